// The Node-API face: one `invoke` for every operation, plus transfer between JavaScript buffers and tensors.
#include <napi.h>

#include <ATen/Version.h>
#include <dlfcn.h>

#include "allocator.h"
#include "collective.h"
#include "device.h"
#include "guard.h"
#include "transfer.h"

namespace thinkrl {

static const Operations& operations() {
  static const Operations table = [] {
    Operations list;
    add_elementwise(list);
    add_binary(list);
    add_reductions(list);
    add_shapes(list);
    add_indexing(list);
    add_linear_algebra(list);
    add_attention(list);
    add_blocks(list);
    add_normalization(list);
    add_losses(list);
    add_optimizers(list);
    add_random(list);
    add_convolutions(list);
    add_images(list);
    add_collectives(list);
    add_files(list);
    for (Operation& operation : list) operation.precision = precision_of(operation.name);
    return list;
  }();
  return table;
}

static napi_value invoke(napi_env env, napi_callback_info info) {
  napi_value values[1];
  Instance* instance = instance_of(env, info, 1, values);
  uint32_t index = 0;
  napi_get_value_uint32(env, values[0], &index);
  const Operations& table = operations();
  if (index >= table.size() || instance->mailbox == nullptr) {
    napi_throw_error(env, "TORCH_ENGINE_KERNEL", "invoke: no such operation");
    return nullptr;
  }
  Call call(*instance);
  guarded(env, table[index].name, &call, [&] {
    instance->drain();
    call.run(table[index]);
  });
  return nullptr;
}

/** drain(): frees what was disposed without waiting for the next operation. */
static napi_value drain(napi_env env, napi_callback_info info) {
  Instance* instance = instance_of(env, info, 0, nullptr);
  guarded(env, "drain", nullptr, [&] { instance->drain(); });
  return nullptr;
}

/** clear(): frees every tensor of this environment. */
static napi_value clear(napi_env env, napi_callback_info info) {
  Instance* instance = instance_of(env, info, 0, nullptr);
  guarded(env, "clear", nullptr, [&] { instance->slots = Slots(); });
  return nullptr;
}

/** attach(mailbox, released): the two shared arrays; JavaScript keeps them alive. */
static napi_value attach(napi_env env, napi_callback_info info) {
  napi_value values[2];
  Instance* instance = instance_of(env, info, 2, values);
  guarded(env, "attach", nullptr, [&] {
    void* data[2] = {nullptr, nullptr};
    size_t length[2] = {0, 0};
    for (int i = 0; i < 2; ++i) {
      const auto status = napi_get_typedarray_info(env, values[i], nullptr, &length[i], &data[i], nullptr, nullptr);
      TORCH_CHECK(status == napi_ok, "expected typed arrays");
    }
    TORCH_CHECK(length[0] == size_t{kMailboxLength} && length[1] == size_t{kReleasedLength}, "wrong lengths");
    instance->mailbox = static_cast<double*>(data[0]);
    instance->released = static_cast<int32_t*>(data[1]);
  });
  return nullptr;
}

/** Products are shared out over libtorch's threads (product.h): OpenBLAS's own would only get in their way. */
static void hold_blas_to_one_thread() {
  using Setter = void (*)(int);
  if (auto set = reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(1);
}

static std::string blas_name() {
  using Config = char* (*)();
  if (auto config = reinterpret_cast<Config>(dlsym(RTLD_DEFAULT, "openblas_get_config"))) return config();
  return at::hasMKL() ? "MKL" : "reference BLAS (slow: install OpenBLAS)";
}

static Napi::Value set_threads(const Napi::CallbackInfo& info) {
  const int count = info[0].As<Napi::Number>().Int32Value();
  guarded(info.Env(), "setThreads", nullptr, [&] { at::set_num_threads(count); });
  return info.Env().Undefined();
}

static Napi::Value set_device(const Napi::CallbackInfo& info) {
  auto* instance = static_cast<Instance*>(info.Data());
  const std::string name = info[0].As<Napi::String>();
  guarded(info.Env(), "setDevice", nullptr, [&] {
    instance->device = device_named(name);
  });
  return info.Env().Undefined();
}

/** synchronize(): waits until the device has done all it was given. */
static napi_value wait(napi_env env, napi_callback_info info) {
  Instance* instance = instance_of(env, info, 0, nullptr);
  guarded(env, "synchronize", nullptr, [&] { synchronize(instance->device); });
  return nullptr;
}

static Napi::Value memory(const Napi::CallbackInfo& info) {
  auto* instance = static_cast<Instance*>(info.Data());
  instance->drain();
  const MemoryCount count = memory_of(instance->device);
  Napi::Object facts = Napi::Object::New(info.Env());
  facts.Set("tensors", static_cast<double>(instance->slots.live()));
  facts.Set("allocatedBytes", static_cast<double>(count.allocated));
  facts.Set("reservedBytes", static_cast<double>(count.reserved));
  facts.Set("peakBytes", static_cast<double>(count.peak));
  return facts;
}

static Napi::Value reset_peak(const Napi::CallbackInfo& info) {
  reset_peak_of(static_cast<Instance*>(info.Data())->device);
  return info.Env().Undefined();
}

static Napi::Value facts(const Napi::CallbackInfo& info) {
  auto* instance = static_cast<Instance*>(info.Data());
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("version", std::string(TORCH_VERSION));
  object.Set("blas", blas_name());
  object.Set("threads", at::get_num_threads());
  object.Set("device", instance->device.str());
  object.Set("gpus", static_cast<double>(gpu_count()));
  object.Set("configuration", at::show_config());
  return object;
}

static Napi::Value names(const Napi::CallbackInfo& info) {
  const Operations& table = operations();
  Napi::Array list = Napi::Array::New(info.Env(), table.size());
  for (size_t i = 0; i < table.size(); ++i) list[i] = Napi::String::New(info.Env(), table[i].name);
  return list;
}

static void define(napi_env env, napi_value exports, const char* name, napi_callback callback, Instance* instance) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, instance, &function);
  napi_set_named_property(env, exports, name, function);
}

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  use_caching_allocator();
  hold_blas_to_one_thread();
  auto* instance = new Instance();
  env.SetInstanceData(instance);
  define(env, exports, "invoke", invoke, instance);
  define(env, exports, "upload", upload, instance);
  define(env, exports, "download", download, instance);
  define(env, exports, "downloadLater", download_later, instance);
  define(env, exports, "drain", drain, instance);
  define(env, exports, "clear", clear, instance);
  define(env, exports, "attach", attach, instance);
  define(env, exports, "synchronize", wait, instance);
  exports.Set("setThreads", Napi::Function::New(env, set_threads, "setThreads", instance));
  exports.Set("setDevice", Napi::Function::New(env, set_device, "setDevice", instance));
  exports.Set("memory", Napi::Function::New(env, memory, "memory", instance));
  exports.Set("resetPeak", Napi::Function::New(env, reset_peak, "resetPeak", instance));
  exports.Set("facts", Napi::Function::New(env, facts, "facts", instance));
  exports.Set("names", Napi::Function::New(env, names, "names", instance));
  define_collectives(env, exports, instance);
  return exports;
}

}  // namespace thinkrl

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return thinkrl::initialize(env, exports); }
NODE_API_MODULE(thinkrl_torch, Init)
