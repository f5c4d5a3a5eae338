// CPU memory: freed blocks are kept and reused, so that a training step does not pay for page faults again and again.
#pragma once

#include <cstdint>

namespace thinkrl {

struct MemoryCount {
  int64_t allocated;
  int64_t reserved;
  int64_t peak;
};

/** Becomes libtorch's CPU allocator for the whole process; later calls do nothing. */
void use_caching_allocator();
/** Bytes in live tensors, bytes held from the system, and the most that was live since the last reset. */
MemoryCount memory_count();
void reset_memory_peak();

}  // namespace thinkrl
