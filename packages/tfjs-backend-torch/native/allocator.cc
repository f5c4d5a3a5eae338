#include "allocator.h"

#include <c10/core/CPUAllocator.h>

#include <cstdlib>
#include <mutex>

#include "prelude.h"

namespace thinkrl {
namespace {

constexpr size_t kAlignment = 64;
constexpr int kClasses = 160;
constexpr int kClassesPerDouble = 4;
constexpr size_t kLargest = size_t{1} << 32;

/** Sits in the 64 bytes before the data. */
struct Header {
  size_t bytes;
  int size_class;
};

std::mutex guard;
std::vector<void*> spare[kClasses];
MemoryCount count{0, 0, 0};

/** Four classes per power of two: at most a quarter of a block is unused. */
int class_of(size_t bytes) {
  if (bytes <= 64) return 0;
  const int exponent = 63 - __builtin_clzll(bytes - 1);
  const size_t step = size_t{1} << (exponent - 2);
  const size_t quarter = (bytes - (size_t{1} << exponent) + step - 1) / step;
  return (exponent - 6) * 4 + static_cast<int>(quarter);
}

size_t class_bytes(int size_class) {
  const size_t base = size_t{64} << (size_class / 4);
  return base + (base >> 2) * (size_class % 4);
}

void* system_block(size_t bytes) {
  void* block = nullptr;
  const int status = posix_memalign(&block, kAlignment, bytes + kAlignment);
  TORCH_CHECK(status == 0 && block != nullptr, "out of memory: cannot allocate ", bytes, " bytes");
  return block;
}

void give_back_spare() {
  for (int i = 0; i < kClasses; ++i) {
    for (void* block : spare[i]) {
      count.reserved -= static_cast<int64_t>(class_bytes(i));
      std::free(block);
    }
    spare[i].clear();
  }
}

/** A spare block of the class, else of one up to twice as large, whose class it then is; null when there is none. */
void* spare_block(int& size_class) {
  const int last = std::min(kClasses - 1, size_class + kClassesPerDouble);
  for (int i = size_class; i <= last; ++i) {
    if (spare[i].empty()) continue;
    void* block = spare[i].back();
    spare[i].pop_back();
    size_class = i;
    return block;
  }
  return nullptr;
}

void* new_block(size_t room) {
  try {
    return system_block(room);
  } catch (const c10::Error&) {
    give_back_spare();
    return system_block(room);
  }
}

void* take(size_t bytes) {
  const std::lock_guard<std::mutex> lock(guard);
  const bool cached = bytes <= kLargest;
  int size_class = cached ? class_of(bytes) : -1;
  void* block = cached ? spare_block(size_class) : nullptr;
  if (block == nullptr) {
    const size_t room = cached ? class_bytes(size_class) : bytes;
    block = new_block(room);
    count.reserved += static_cast<int64_t>(room);
  }
  *static_cast<Header*>(block) = {bytes, size_class};
  count.allocated += static_cast<int64_t>(bytes);
  count.peak = std::max(count.peak, count.allocated);
  return static_cast<char*>(block) + kAlignment;
}

void release(void* data) {
  if (data == nullptr) return;
  void* block = static_cast<char*>(data) - kAlignment;
  const Header header = *static_cast<Header*>(block);
  const std::lock_guard<std::mutex> lock(guard);
  count.allocated -= static_cast<int64_t>(header.bytes);
  if (header.size_class >= 0) {
    spare[header.size_class].push_back(block);
  } else {
    count.reserved -= static_cast<int64_t>(header.bytes);
    std::free(block);
  }
}

struct CachingAllocator final : c10::Allocator {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
  at::DataPtr allocate(size_t bytes) override { return block(bytes); }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }
#else
  at::DataPtr allocate(size_t bytes) const override { return block(bytes); }
#endif
  at::DeleterFnPtr raw_deleter() const override { return &release; }

 private:
  static at::DataPtr block(size_t bytes) {
    if (bytes == 0) return {nullptr, nullptr, &release, at::Device(at::kCPU)};
    void* data = take(bytes);
    return {data, data, &release, at::Device(at::kCPU)};
  }
};

}  // namespace

void use_caching_allocator() {
  static CachingAllocator allocator;
  static const bool done = [] {
    c10::SetCPUAllocator(&allocator, 1);
    return true;
  }();
  (void)done;
}

MemoryCount memory_count() {
  const std::lock_guard<std::mutex> lock(guard);
  return count;
}

void reset_memory_peak() {
  const std::lock_guard<std::mutex> lock(guard);
  count.peak = count.allocated;
}

}  // namespace thinkrl
