// What every function of the addon does around its work: find its environment, turn what is thrown into an Error.
#pragma once

#include <napi.h>

#include "call.h"

namespace thinkrl {

/** What the exception of `body` says, without libtorch's backtrace; nothing when there was none. */
template <typename Body>
optional<std::string> problem_of(Body body) {
  try {
    body();
    return nullopt;
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    return text.substr(0, text.find("\nException raised from"));
  } catch (const std::exception& error) {
    return std::string(error.what());
  } catch (...) {
    return std::string("unknown native exception");
  }
}

/** Runs `body`; whatever it throws becomes a pending JavaScript error that starts with `name`. */
template <typename Body>
void guarded(napi_env env, const char* name, const Call* call, Body body) {
  const auto problem = problem_of([&] {
    c10::InferenceMode inference;
    body();
  });
  if (!problem) return;
  std::string message = std::string(name) + ": " + *problem;
  if (call != nullptr) message += " (inputs: " + call->inputs() + ")";
  napi_throw_error(env, "TORCH_ENGINE_KERNEL", message.c_str());
}

inline Instance* instance_of(napi_env env, napi_callback_info info, size_t count, napi_value* values) {
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  return static_cast<Instance*>(data);
}

}  // namespace thinkrl
