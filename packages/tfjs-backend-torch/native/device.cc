#include "device.h"

#include <c10/core/impl/DeviceGuardImplInterface.h>

// From 2.9 on a GPU's allocator tells its figures without CUDA's headers, which the wheels do not bring whole.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 9)
#define THINKRL_GPU_STATISTICS
#include <c10/core/CachingDeviceAllocator.h>
#endif

namespace thinkrl {

using c10::impl::getDeviceGuardImpl;

int64_t gpu_count() {
  if (!c10::impl::hasDeviceGuardImpl(at::kCUDA)) return 0;
  return getDeviceGuardImpl(at::kCUDA)->deviceCount();
}

/** float32 computed as float32 and halves added up in float32, where libtorch would trade digits for speed. */
static void keep_digits() {
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowFP16ReductionCuBLAS(false);
#if TORCH_VERSION_MAJOR >= 2
  at::globalContext().setAllowBF16ReductionCuBLAS(false);
#endif
}

at::Device device_named(const std::string& name) {
  const at::Device device(name);
  if (device.is_cpu()) return at::kCPU;
  TORCH_CHECK(device.is_cuda(), name, " is not a device of this engine: use cpu or cuda:N");
  TORCH_CHECK(
      c10::impl::hasDeviceGuardImpl(at::kCUDA),
      "this libtorch has no CUDA: pip install torch, or set LIBTORCH to one that has, then npx thinkrl-build-torch");
  const int64_t count = gpu_count(), index = device.has_index() ? device.index() : 0;
  TORCH_CHECK(count > 0, "libtorch has CUDA but sees no GPU: nvidia-smi must list one, with a driver new enough");
  TORCH_CHECK(index < count, "there is no cuda:", index, ": this machine has ", count, " GPU", count == 1 ? "" : "s");
  const at::Device found(at::kCUDA, static_cast<c10::DeviceIndex>(index));
  keep_digits();
  getDeviceGuardImpl(at::kCUDA)->setDevice(found);
  at::empty({1}, at::device(found));  // starts CUDA and its allocator
  return found;
}

void synchronize(at::Device device) {
  if (device.is_cpu()) return;
  const auto* guard = getDeviceGuardImpl(device.type());
  guard->synchronizeStream(guard->getStream(device));
}

#ifdef THINKRL_GPU_STATISTICS

static MemoryCount gpu_memory(at::Device device) {
  const auto statistics = at::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto& allocated = statistics.allocated_bytes[all];
  return {allocated.current, statistics.reserved_bytes[all].current, allocated.peak};
}

static void reset_gpu_peak(at::Device device) {
  at::getDeviceAllocator(device.type())->resetPeakStats(device.index());
}

#else

static MemoryCount gpu_memory(at::Device) { return {0, 0, 0}; }

static void reset_gpu_peak(at::Device) {}

#endif

MemoryCount memory_of(at::Device device) { return device.is_cpu() ? memory_count() : gpu_memory(device); }

void reset_peak_of(at::Device device) {
  if (device.is_cpu()) {
    reset_memory_peak();
  } else {
    reset_gpu_peak(device);
  }
}

}  // namespace thinkrl
