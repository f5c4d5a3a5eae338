// Values between JavaScript's typed arrays and tensors.
#pragma once

#include <napi.h>

namespace thinkrl {

/** upload(typedArray): a new tensor with the values; dtype code and shape come from the mailbox. */
napi_value upload(napi_env env, napi_callback_info info);
/** download(handle, typedArray): the tensor's values, row-major, into the array; halves come as float32. */
napi_value download(napi_env env, napi_callback_info info);
/**
 * downloadLater(handle, typedArray): the same without holding up the event loop. A promise of the filled array; on a CPU,
 * where there is nothing to wait for, the array is filled at once and the answer is undefined.
 */
napi_value download_later(napi_env env, napi_callback_info info);

}  // namespace thinkrl
