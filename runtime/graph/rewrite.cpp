// What a value that loses its producer keeps for rewrites, and their flag.
#include "graph/rewrite.h"

#include <memory>

#include "graph/graph_state.h"
#include "graph/spread.h"

namespace jtcy {
namespace {

/// Null: y is part of no pattern.
std::unique_ptr<Pattern> recipe_of(Var* y, const Op& op) {
  std::unique_ptr<Pattern> recipe = spread_recipe(y, op);
  return recipe ? std::move(recipe) : scores_recipe(y, op);
}

}  // namespace

void set_rewrites(bool enabled) noexcept { g_graph.rewrites = enabled; }

void keep_recipe(Var* var) {
  const Op& op = *var->producer;
  if (!op.released && !var->recipe) var->recipe = recipe_of(var, op);
}

void keep_view_recipe(Var* y, const VarRef& x, OpKind kind, const Attrs& attrs) {
  if (kind == OpKind::kBroadcast || kind == OpKind::kTranspose) y->recipe = view_recipe(*y, x, attrs);
}

void save_recipe(const Op& op) {
  if (op.released) return;
  const std::unique_ptr<Pattern> recipe = recipe_of(op.outputs[0], op);
  if (!recipe) return;
  recipe->of_scores ? save_scores(*recipe) : save_spreads(*recipe);
}

}  // namespace jtcy
