// Devices by name, waiting for them, and their memory.
#pragma once

#include <string>

#include "allocator.h"
#include "prelude.h"

namespace thinkrl {

/** The device named `cpu`, `cuda` or `cuda:N`, ready for use; throws when it is not there, saying why. */
at::Device device_named(const std::string& name);
/** GPUs that libtorch can use. */
int64_t gpu_count();
/** Waits until the device has done all it was given by this thread. */
void synchronize(at::Device device);
MemoryCount memory_of(at::Device device);
/** Starts the peak of `memory_of` again from what is live now. */
void reset_peak_of(at::Device device);

}  // namespace thinkrl
