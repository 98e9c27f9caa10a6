// Convolution by Winograd's F(4 x 4, 3 x 3): transforms of tiles and filters around 36 products of matrices.
#include "graph/compose_support.h"
#include "graph/contraction.h"
#include "graph/winograd.h"

namespace jtcy {
namespace {

// Note [Winograd]
// Lavin and Gray 2015, arXiv:1509.09308: the 4 x 4 outputs of a tile are Y = A^T [(G g G^T) . (B^T d B)] A, with d the
// 6 x 6 inputs that they need and g the filter. Each transform is a Contraction with a small matrix along one axis of
// the tiles, rows first; the sum over channels is one Contraction over all tiles for each of the 36 places. Names of
// axes: n, c, o batch and channels in and out; y, x tiles; i, j places of a tile in the space of the products.
constexpr int64_t kTile = 4, kTaps = 3, kPlaces = kTile + kTaps - 1;

constexpr float kInput[kPlaces][kPlaces] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                            {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
// Along a row two more columns are read, times 0: kernels then load whole groups of a tile's columns.
constexpr int64_t kColumns = 2 * kTile;
constexpr float kInputOfRow[kPlaces][kColumns] = {{4, 0, -5, 0, 1, 0, 0, 0},  {0, -4, -4, 1, 1, 0, 0, 0},
                                                  {0, 4, -4, -1, 1, 0, 0, 0}, {0, -2, -1, 2, 1, 0, 0, 0},
                                                  {0, 2, -1, -2, 1, 0, 0, 0}, {0, 4, 0, -5, 0, 1, 0, 0}};
constexpr float kOutput[kTile][kPlaces] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
constexpr float kFilter[kPlaces][kTaps] = {{1.0F / 4, 0, 0},
                                           {-1.0F / 6, -1.0F / 6, -1.0F / 6},
                                           {-1.0F / 6, 1.0F / 6, -1.0F / 6},
                                           {1.0F / 24, 1.0F / 12, 1.0F / 6},
                                           {1.0F / 24, -1.0F / 12, 1.0F / 6},
                                           {0, 0, 1}};
// For a filter that is read backwards.
constexpr float kTurnedFilter[kPlaces][kTaps] = {{0, 0, 1.0F / 4},
                                                 {-1.0F / 6, -1.0F / 6, -1.0F / 6},
                                                 {-1.0F / 6, 1.0F / 6, -1.0F / 6},
                                                 {1.0F / 6, 1.0F / 12, 1.0F / 24},
                                                 {1.0F / 6, -1.0F / 12, 1.0F / 24},
                                                 {1, 0, 0}};

// Where transforms, which move memory, cost less than the products that they save: 128 channels of 28 x 28 take 0.7 of
// the direct one's time, 256 of 56 x 56 0.45, 64 of 56 x 56 1.2, 256 of 14 x 14 1.05.
constexpr int64_t kLeastChannels = 128, kLeastSize = 24;

using Dims = SmallVector<ContractionDim, 6>;

template <std::size_t kRows, std::size_t kColumns>
VarRef matrix(const float (&values)[kRows][kColumns]) {
  void* address = const_cast<float*>(&values[0][0]);  // read only: a borrowed Buffer is never written
  const auto buffer = make_ref<Buffer>(address, static_cast<int64_t>(sizeof(values)), Device(), [](void*) {}, nullptr);
  const auto rows = static_cast<int64_t>(kRows), columns = static_cast<int64_t>(kColumns);
  return make_leaf(buffer, 0, Shape{rows, columns}, Strides{columns, 1}, Dtype::kFloat32, Device());
}

Dims plain(std::initializer_list<int64_t> axes) {
  Dims dims;
  for (const int64_t axis : axes) dims.push_back(ContractionDim{axis});
  return dims;
}

/// The index step * i[axis] + i[other] + offset.
ContractionDim along(int64_t axis, int64_t step, int64_t other, int64_t offset) {
  return ContractionDim{axis, step, other, 1, 1, offset};
}

/// Sums over one axis, the one behind those of `shape`.
VarRef product(const VarRef& a, const Dims& a_dims, const VarRef& b, const Dims& b_dims, const Shape& shape) {
  ContractionMap map;
  map.out_ndim = static_cast<int64_t>(shape.size());
  map.summed = 1;
  map.a = a_dims;
  map.b = b_dims;
  return make_contraction(a, b, map.to_attrs(), shape, "conv");
}

/// weight (o, c, 3, 3) → (j, i, o, c), or of the gradient (j, i, c, o).
VarRef transformed_filter(const VarRef& weight, bool turned) {
  const VarRef g = turned ? matrix(kTurnedFilter) : matrix(kFilter);
  const int64_t o = weight->shape[0], c = weight->shape[1];
  const VarRef rows = product(g, plain({0, 4}), weight, plain({1, 2, 4, 3}), Shape{kPlaces, o, c, kTaps});
  if (turned) return product(g, plain({0, 4}), rows, plain({1, 3, 2, 4}), Shape{kPlaces, kPlaces, c, o});
  return product(g, plain({0, 4}), rows, plain({1, 2, 3, 4}), Shape{kPlaces, kPlaces, o, c});
}

/// x (n, c, h, w) → (j, i, c, n, y, x).
VarRef transformed_tiles(const VarRef& x, int64_t tiles_y, int64_t tiles_x, int64_t pad_y, int64_t pad_x) {
  const int64_t n = x->shape[0], c = x->shape[1];
  Dims dims = plain({2, 1});
  dims.push_back(along(3, kTile, 5, -pad_y));
  // The first column of rows is the map's column -left, not 0: an axis that stands alone has its operand's extent.
  const int64_t left = pad_x == 0 ? 1 : pad_x;
  dims.push_back(ContractionDim{4, 1, -1, 0, 1, -left});
  const int64_t columns = kTile * (tiles_x - 1) + kColumns + left - pad_x;
  const VarRef rows = product(matrix(kInput), plain({0, 5}), x, dims, Shape{kPlaces, c, n, tiles_y, columns});
  dims = plain({1, 2, 3, 4});
  dims.push_back(along(5, kTile, 6, left - pad_x));
  return product(matrix(kInputOfRow), plain({0, 6}), rows, dims, Shape{kPlaces, kPlaces, c, n, tiles_y, tiles_x});
}

/// m (j, i, o, n, y, x) → (n, o, h, w).
VarRef untransformed(const VarRef& m, int64_t height, int64_t width) {
  const VarRef a = matrix(kOutput);
  const int64_t o = m->shape[2], n = m->shape[3], tiles_y = m->shape[4], tiles_x = m->shape[5];
  const VarRef rows =
      product(a, plain({1, 6}), m, plain({0, 6, 2, 3, 4, 5}), Shape{kPlaces, kTile, o, n, tiles_y, tiles_x});
  const VarRef tiles =
      product(a, plain({5, 6}), rows, plain({6, 3, 1, 0, 2, 4}), Shape{n, o, tiles_y, kTile, tiles_x, kTile});
  const VarRef whole = make_reshape(tiles, Shape{n, o, tiles_y * kTile, tiles_x * kTile}, "conv");
  return make_slice(whole, {0, 0, 0, 0}, {1, 1, 1, 1}, Shape{n, o, height, width});
}

/// A convolution of one padding an axis. turned: with the filter read backwards, from channels out to channels in.
struct Winograd {
  VarRef x, weight;
  int64_t pad_y, pad_x;
  bool turned;

  VarRef value() const;
  VarRef weight_gradient(const VarRef& dy) const;
  /// Of the inner sizes of dy alone: the gradient to x is such a convolution, with what the padding leaves of the taps.
  Winograd gradient(const VarRef& dy) const { return {dy, weight, kTaps - 1 - pad_y, kTaps - 1 - pad_x, !turned}; }
};

VarRef Winograd::value() const {
  const int64_t height = x->shape[2] + 2 * pad_y - kTaps + 1, width = x->shape[3] + 2 * pad_x - kTaps + 1;
  const int64_t tiles_y = (height + kTile - 1) / kTile, tiles_x = (width + kTile - 1) / kTile;
  const VarRef u = transformed_filter(weight, turned);
  const VarRef v = transformed_tiles(x, tiles_y, tiles_x, pad_y, pad_x);
  const int64_t n = x->shape[0], c = u->shape[3], o = u->shape[2], count = n * tiles_y * tiles_x;
  const VarRef m = product(make_reshape(u, Shape{kPlaces * kPlaces, o, c}, "conv"), plain({0, 1, 3}),
                           make_reshape(v, Shape{kPlaces * kPlaces, c, count}, "conv"), plain({0, 3, 2}),
                           Shape{kPlaces * kPlaces, o, count});
  return untransformed(make_reshape(m, Shape{kPlaces, kPlaces, o, n, tiles_y, tiles_x}, "conv"), height, width);
}

/// The direct one: it sums over pixels, of which the transforms leave as many.
VarRef Winograd::weight_gradient(const VarRef& dy) const {
  const VarRef& image = turned ? dy : x;
  const VarRef& other = turned ? x : dy;
  ContractionMap map;
  map.out_ndim = 4;
  map.summed = 3;
  map.a = plain({4, 1});
  map.a.push_back(along(5, 1, 2, turned ? pad_y - kTaps + 1 : -pad_y));
  map.a.push_back(along(6, 1, 3, turned ? pad_x - kTaps + 1 : -pad_x));
  map.b = plain({4, 0, 5, 6});
  return make_contraction(image, other, map.to_attrs(), weight->shape, "conv");
}

VarRef recorded(const Winograd& conv);

void conv_gradient(void* context, const SmallVector<VarRef, 2>& cotangents, SmallVector<VarRef, 3>* gradients) {
  const auto& conv = *static_cast<Winograd*>(context);
  const VarRef& dy = cotangents[0];
  gradients->push_back(takes_gradient(*conv.x) ? recorded(conv.gradient(dy)) : VarRef());
  gradients->push_back(takes_gradient(*conv.weight) ? conv.weight_gradient(dy) : VarRef());
}

/// The value with the gradient of a convolution, not that of each transform.
VarRef recorded(const Winograd& conv) {
  VarRef y;
  {
    const NoGradScope scope;
    y = conv.value();
  }
  if (!takes_gradient(*conv.x) && !takes_gradient(*conv.weight)) return y;
  GradientCallback callback;
  callback.context = new Winograd(conv);
  callback.call = conv_gradient;
  callback.release = [](void* context) { delete static_cast<Winograd*>(context); };
  return make_function({y}, {conv.x, conv.weight}, callback)[0];
}

}  // namespace

void set_winograd(bool enabled) noexcept { g_graph.winograd = enabled; }

bool is_winograd(const VarRef& x, const VarRef& weight, const ConvSpec& spec) {
  if (!g_graph.winograd || x->shape.size() != 4 || x->dtype != Dtype::kFloat32) return false;
  for (std::size_t i = 0; i < 2; ++i) {
    if (weight->shape[2 + i] != kTaps || spec.stride[i] != 1 || spec.dilation[i] != 1) return false;
    if (weight->shape[i] < kLeastChannels) return false;
    if (x->shape[2 + i] + 2 * spec.padding[i] - kTaps + 1 < kLeastSize) return false;
  }
  return spec.groups == 1 && x->shape[0] > 0 && x->device.kind == DeviceKind::kCpu;
}

VarRef winograd_conv(const VarRef& x, const VarRef& weight, const SmallVector<int64_t, 3>& padding) {
  return recorded(Winograd{x, weight, padding[0], padding[1], false});
}

}  // namespace jtcy
