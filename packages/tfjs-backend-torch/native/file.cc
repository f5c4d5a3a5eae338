// Tensors from their bytes in open files: what is read goes where it stays, and nothing of it passes through JavaScript.

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "call.h"

namespace thinkrl {
namespace {

/** The operating system takes at most 2 GiB in one read. */
constexpr int64_t kLargestRead = int64_t{1} << 30;
/** On the way to a GPU bytes go through pinned memory, so many at a time. */
constexpr int64_t kStagedBytes = int64_t{1} << 24;

void read_bytes(int file, int64_t begin, char* to, int64_t length) {
  for (int64_t done = 0; done < length;) {
    const ssize_t count = pread(file, to + done, std::min(length - done, kLargestRead), begin + done);
    if (count < 0 && errno == EINTR) continue;
    TORCH_CHECK(count >= 0, "the file cannot be read: ", std::strerror(errno));
    TORCH_CHECK(count > 0, "the file ends at byte ", begin + done, ", before its data do");
    done += count;
  }
}

/**
 * Has the system give fresh memory its pages on a thread of its own, while the first of them are read into: a page's first
 * touch takes about as long as filling it. Where the system cannot, pages come as they are touched.
 */
class PagesAhead {
 public:
  PagesAhead([[maybe_unused]] char* begin, [[maybe_unused]] int64_t length) {
#ifdef MADV_POPULATE_WRITE
    if (length < kWorthAThread) return;
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t first = reinterpret_cast<uintptr_t>(begin) & ~(page - 1);
    const size_t bytes = reinterpret_cast<uintptr_t>(begin) + length - first;
    thread_ = std::thread([=] { madvise(reinterpret_cast<void*>(first), bytes, MADV_POPULATE_WRITE); });
#endif
  }
  ~PagesAhead() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  static constexpr int64_t kWorthAThread = int64_t{1} << 22;
  std::thread thread_;
};

/** Reads the next part while the one before it is on its way. */
void read_to_gpu(int file, int64_t begin, const at::Tensor& bytes) {
  for (int64_t done = 0; done < bytes.numel(); done += kStagedBytes) {
    const int64_t length = std::min(kStagedBytes, bytes.numel() - done);
    // the allocator of pinned memory gives a block again once the copy from it is done
    const at::Tensor staged = at::empty({length}, at::device(at::kCPU).dtype(at::kByte).pinned_memory(true));
    read_bytes(file, begin + done, static_cast<char*>(staged.data_ptr()), length);
    bytes.narrow(0, done, length).copy_(staged, /*non_blocking=*/true);
  }
}

/** read_file(dtype, shape, file, begin): the tensor whose bytes, row-major and little-endian, begin there. */
void read_file(Call& call) {
  const at::ScalarType type = call.dtype();
  const Integers shape = call.integers();
  const int file = static_cast<int>(call.integer());
  const int64_t begin = call.integer();
  at::Tensor x = at::empty(shape, call.options(type));
  if (x.is_cpu()) {
    const PagesAhead pages(static_cast<char*>(x.data_ptr()), static_cast<int64_t>(x.nbytes()));
    read_bytes(file, begin, static_cast<char*>(x.data_ptr()), static_cast<int64_t>(x.nbytes()));
  } else if (x.numel() > 0) {
    read_to_gpu(file, begin, x.view(-1).view(at::kByte));
  }
  call.give(std::move(x));
}

}  // namespace

void add_files(Operations& operations) { operations.push_back({"read_file", read_file}); }

}  // namespace thinkrl
