// Binding without a budget; what happens when memory is short is in bind_budget.cpp.
#include "exec/bind.h"

#include <cstring>

#include "base/error.h"
#include "device/dtype.h"

namespace jtcy {

void BindContext::clear() {
  slots.clear();
  outputs.clear();
  scratch.clear();
  foreign.clear();
  foreign_known = false;
  graveyard.clear();
}

void Binder::take(const GraphSnapshot& live, int64_t completed) {
  context_.slots.resize(live.vars.size());
  for (int32_t leaf = 0; leaf < live.leaf_count; ++leaf) {
    const auto slot = static_cast<std::size_t>(leaf);
    const Var& var = *live.live_vars[slot];
    context_.slots[slot] = {var.buffer, var.offset * itemsize(var.dtype)};
    var.buffer->last_use = manager_.tick();
    if (var.buffer->ticket > completed) run_.reads.push_back(var.buffer->ticket);
  }
  for (const ScalarRef& scalar : layout_.scalars) {
    const Op& op = *live.live_ops[static_cast<std::size_t>(scalar.op)];
    run_.scalars.push_back(op.attrs.scalars[static_cast<std::size_t>(scalar.scalar)]);
  }
  for (std::size_t var = static_cast<std::size_t>(live.leaf_count); var < live.vars.size(); ++var) {
    Var* const output = live.live_vars[var];
    // A ghost is written because its op writes it; nobody will read it.
    if (live.vars[var].output && !output->ghost)
      context_.outputs.emplace_back(static_cast<int32_t>(var), Ref<Var>(output));
  }
}

void Binder::bind() {
  run_.addresses.resize(layout_.operands.size());
  run_.scratch.resize(layout_.launches.size());
  const auto count = static_cast<int32_t>(layout_.launches.size());
  for (int32_t i = 0; i < count;) {
    const LaunchLayout& launch = layout_.launches[static_cast<std::size_t>(i)];
    const int32_t end = run_.split_batches ? launch.split_end : launch.batch_end;
    bind_group(i, end);
    i = end;
  }
}

void Binder::bind_group(int32_t begin, int32_t end) {
  group_begin_ = begin;
  group_end_ = end;
  choose_mapped_operands();
  make_resident(begin, end);
  for (int32_t i = begin; i < end; ++i) allocate_outputs(i);
  for (int32_t i = begin; i < end; ++i) allocate_scratch(i);
  for (int32_t i = begin; i < end; ++i) write_addresses(i);
  for (Block* block : context_.scratch) manager_.free_block(block);  // in stream order, like everything here
  context_.scratch.clear();
  for (int32_t i = begin; i < end; ++i) {
    const LaunchLayout& launch = layout_.launches[static_cast<std::size_t>(i)];
    for (int32_t k = 0; k < launch.free_count; ++k)
      let_go(layout_.frees[static_cast<std::size_t>(launch.first_free + k)]);
  }
}

Ref<Buffer> Binder::allocate(int64_t nbytes) {
  Ref<Buffer> buffer = manager_.try_allocate(nbytes);
  if (!buffer) [[unlikely]]
    return allocate_slowly(nbytes);
  return buffer;
}

void Binder::upload(Buffer& buffer, const void* host, int64_t nbytes, bool copied) {
  RunStep step;
  step.what = RunStep::What::kUpload;
  step.address = buffer.address();
  step.nbytes = nbytes;
  step.source = host;
  if (copied) {
    run_.uploads.push_back(std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(nbytes)));
    std::memcpy(run_.uploads.back().get(), host, static_cast<std::size_t>(nbytes));
    step.source = run_.uploads.back().get();
  }
  run_.steps.push_back(step);
}

void Binder::free_later(void* address, int64_t nbytes) {
  RunStep step;
  step.what = RunStep::What::kFree;
  step.before = group_begin_;
  step.address = address;
  step.nbytes = nbytes;
  run_.steps.push_back(step);
}

void Binder::allocate_outputs(int32_t number) {
  const LaunchLayout& launch = layout_.launches[static_cast<std::size_t>(number)];
  for (int32_t k = 0; k < launch.output_count; ++k) {
    const int32_t var = layout_.operands[static_cast<std::size_t>(launch.first_operand + launch.input_count + k)];
    const auto slot = static_cast<std::size_t>(var);
    if (is_mapped(var)) {
      context_.slots[slot].buffer = manager_.make_on_disk(layout_.nbytes[slot]);
    } else if (launch.donation_count == 0 || !donate(launch, var)) {
      context_.slots[slot].buffer = allocate(layout_.nbytes[slot]);
    }
    context_.slots[slot].buffer->ticket = run_.ticket;
  }
}

bool Binder::donate(const LaunchLayout& launch, int32_t output) {
  for (int32_t k = 0; k < launch.donation_count; ++k) {
    const auto& [to, from] = layout_.donations[static_cast<std::size_t>(launch.first_donation + k)];
    BindContext::Slot& donor = context_.slots[static_cast<std::size_t>(from)];
    if (to != output || !donor.buffer) continue;
    const Buffer& buffer = *donor.buffer;
    const bool alone =
        buffer.ref_count() == 1 && !buffer.borrowed() && buffer.pins == 0 && buffer.residency() == Residency::kDevice;
    if (!alone || donor.offset_nbytes != 0 || buffer.nbytes() != layout_.nbytes[static_cast<std::size_t>(from)])
      continue;
    // The launch still reads the donor under its own number.
    context_.slots[static_cast<std::size_t>(output)].buffer = donor.buffer;
    return true;
  }
  return false;
}

void Binder::allocate_scratch(int32_t number) {
  const int64_t nbytes = layout_.launches[static_cast<std::size_t>(number)].scratch_nbytes;
  run_.scratch[static_cast<std::size_t>(number)] = nbytes == 0 ? nullptr : allocate_block(nbytes);
  // Never touched: it makes the pages of the mapped operands count.
  if (!mapped_.empty()) allocate_block(kMappedWindow);
}

void* Binder::allocate_block(int64_t nbytes) {
  Block* block = manager_.try_allocate_block(nbytes);
  if (block == nullptr) [[unlikely]]
    block = allocate_block_slowly(nbytes);
  context_.scratch.push_back(block);
  return MemoryManager::address_of(block);
}

void Binder::write_addresses(int32_t number) {
  const LaunchLayout& launch = layout_.launches[static_cast<std::size_t>(number)];
  const auto first = static_cast<std::size_t>(launch.first_operand);
  const auto count = static_cast<std::size_t>(launch.input_count + launch.output_count);
  for (std::size_t k = first; k < first + count; ++k) {
    const BindContext::Slot& slot = context_.slots[static_cast<std::size_t>(layout_.operands[k])];
    if (is_mapped(layout_.operands[k])) [[unlikely]] {
      const bool fresh = k >= first + static_cast<std::size_t>(launch.input_count);
      run_.mappings.push_back(
          {number, static_cast<int32_t>(k), slot.offset_nbytes, manager_.mapping_of(*slot.buffer, fresh)});
    } else {
      run_.addresses[k] = static_cast<char*>(slot.buffer->address()) + slot.offset_nbytes;
    }
  }
}

void Binder::let_go(int32_t var) {
  Ref<Buffer>& buffer = context_.slots[static_cast<std::size_t>(var)].buffer;
  if (buffer->borrowed()) context_.graveyard.push_back(std::move(buffer));
  buffer.reset();
}

}  // namespace jtcy
