// An NVIDIA driver, CUDA runtime, cuBLAS and cuDNN that compute nothing and count what they are
// asked for. One library under all their names makes TensorFlow register a GPU of compute
// capability 9.0, compile for it and launch its kernels, on any machine. Its memory is never
// written, and reads as zeros.

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

using Handle = uintptr_t;  // of a stream, an event, a module, ..., and addresses on the device
struct Dim3 { unsigned x, y, z; };

static std::atomic<long> launches, reads, waits;
static const Handle PRIMARY_CONTEXT = 16;
static std::atomic<Handle> last_handle{PRIMARY_CONTEXT};
static std::mutex mutex;
static std::map<Handle, size_t> allocated;

static int new_handle(Handle* handle) { *handle = last_handle += 16; return 0; }
static int allocate(Handle* at, size_t bytes) {
  bytes = bytes ? bytes : 1;
  void* space = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return 2;
  std::lock_guard<std::mutex> lock(mutex);
  allocated[*at = reinterpret_cast<Handle>(space)] = bytes;
  return 0;
}
static int read(void* to, size_t bytes) { ++reads; memset(to, 0, bytes); return 0; }

#define COUNTED(name, count) int name(...) { ++count; return 0; }
#define IGNORED(name) int name(...) { return 0; }
#define NEW(name) int name(Handle* handle, ...) { return new_handle(handle); }
#define ZERO(name) int name(int* value, ...) { *value = 0; return 0; }
#define TEXT(name) const char* name(...) { return "an error of the counting GPU"; }

extern "C" {
void counting_gpu_read(long counts[3]) {
  counts[0] = launches, counts[1] = reads, counts[2] = waits;
}

// The driver (CUDA Driver API).
IGNORED(cuInit)
int cuDriverGetVersion(int* version) { *version = 13000; return 0; }
int cuDeviceGetCount(int* count) { *count = 1; return 0; }
int cuDeviceGet(int* device, int number) { *device = number; return 0; }
int cuDeviceGetName(char* name, int bytes, int) { strncpy(name, "Counting GPU", bytes); return 0; }
int cuDeviceTotalMem_v2(size_t* bytes, int) { *bytes = 16ull << 30; return 0; }
int cuMemGetInfo_v2(size_t* free, size_t* total) { *free = *total = 16ull << 30; return 0; }
int cuDeviceGetPCIBusId(char* id, int bytes, int) { strncpy(id, "0000:00:04.0", bytes); return 0; }
int cuDeviceGetAttribute(int* value, int attribute, int) {
  static const std::map<int, int> known = {  // CUdevice_attribute
      {1, 1024}, {2, 1024}, {3, 1024}, {4, 64},                // threads of a block
      {5, 2147483647}, {6, 65535}, {7, 65535},                 // blocks of a grid
      {8, 49152}, {10, 32}, {12, 65536}, {13, 1980000},        // shared memory, warp, registers
      {16, 132}, {36, 2619000}, {37, 5120}, {38, 50 << 20},    // processors, memory, cache
      {39, 2048}, {75, 9}, {76, 0},                            // compute capability
      {81, 233472}, {82, 65536}, {97, 232448}, {106, 32}};
  auto found = known.find(attribute);
  *value = found == known.end() ? 0 : found->second;
  return 0;
}
int cuDevicePrimaryCtxRetain(Handle* context, int) { *context = PRIMARY_CONTEXT; return 0; }
int cuDevicePrimaryCtxGetState(int, unsigned* flags, int* active) {
  *flags = 0, *active = 1;
  return 0;
}
IGNORED(cuDevicePrimaryCtxSetFlags_v2)
IGNORED(cuDevicePrimaryCtxRelease_v2)
int cuCtxGetCurrent(Handle* context) { *context = PRIMARY_CONTEXT; return 0; }
IGNORED(cuCtxSetCurrent)
ZERO(cuCtxGetDevice)
int cuCtxGetStreamPriorityRange(int* least, int* most) {
  if (least) *least = 0;
  if (most) *most = -5;
  return 0;
}
ZERO(cuDeviceCanAccessPeer)
int cuPointerGetAttribute(void* value, int attribute, Handle) {
  if (attribute == 2) *static_cast<int*>(value) = 2;       // memory of the device
  else if (attribute == 9) *static_cast<int*>(value) = 0;  // its number
  else *static_cast<Handle*>(value) = PRIMARY_CONTEXT;
  return 0;
}
int cuMemAlloc_v2(Handle* at, size_t bytes) { return allocate(at, bytes); }
int cuMemHostAlloc(Handle* at, size_t bytes, unsigned) { return allocate(at, bytes); }
int cuMemFree_v2(Handle at) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = allocated.find(at);
  if (found == allocated.end()) return 1;
  munmap(reinterpret_cast<void*>(at), found->second);
  allocated.erase(found);
  return 0;
}
int cuMemFreeHost(Handle at) { return cuMemFree_v2(at); }
int cuMemGetAddressRange_v2(Handle* start, size_t* bytes, Handle at) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = allocated.upper_bound(at);
  if (found == allocated.begin()) return 1;
  --found;
  if (start) *start = found->first;
  if (bytes) *bytes = found->second;
  return 0;
}
int cuMemcpyDtoH_v2(void* to, Handle, size_t bytes) { return read(to, bytes); }
int cuMemcpyDtoHAsync_v2(void* to, Handle, size_t bytes, Handle) { return read(to, bytes); }
IGNORED(cuMemcpyHtoD_v2)
IGNORED(cuMemcpyHtoDAsync_v2)
IGNORED(cuMemcpyDtoDAsync_v2)
IGNORED(cuMemsetD8Async)
IGNORED(cuMemsetD8_v2)
IGNORED(cuMemsetD32Async)
IGNORED(cuMemsetD32_v2)
NEW(cuStreamCreate)
NEW(cuStreamCreateWithPriority)
IGNORED(cuStreamDestroy_v2)
int cuStreamIsCapturing(Handle, int* is_capturing) { *is_capturing = 0; return 0; }
IGNORED(cuStreamWaitEvent)
IGNORED(cuStreamQuery)
COUNTED(cuStreamSynchronize, waits)
COUNTED(cuCtxSynchronize, waits)
COUNTED(cuEventSynchronize, waits)
NEW(cuEventCreate)
IGNORED(cuEventRecord)
IGNORED(cuEventQuery)
IGNORED(cuEventDestroy_v2)
int cuEventElapsedTime(float* milliseconds, ...) { *milliseconds = 1; return 0; }
int cuLaunchHostFunc(Handle, void (*function)(void*), void* data) { function(data); return 0; }
int cuLinkCreate_v2(unsigned, int*, void**, Handle* linker) { return new_handle(linker); }
IGNORED(cuLinkAddData_v2)
IGNORED(cuLinkDestroy)
int cuLinkComplete(Handle, const char** program, size_t* bytes) {
  *program = "", *bytes = 1;
  return 0;
}
NEW(cuModuleLoadData)
NEW(cuModuleLoadDataEx)
NEW(cuModuleLoadFatBinary)
NEW(cuModuleGetFunction)
IGNORED(cuModuleUnload)
int cuModuleGetGlobal_v2(Handle* at, size_t* bytes, ...) {
  if (bytes) *bytes = 1 << 16;
  return allocate(at, 1 << 16);
}
int cuFuncGetAttribute(int* value, int attribute, Handle) {
  *value = attribute == 0 ? 1024 : attribute == 4 ? 32 : 0;  // threads of a block, registers
  return 0;
}
IGNORED(cuFuncSetAttribute)
IGNORED(cuFuncSetCacheConfig)
int cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, ...) {
  *blocks = 2;
  return 0;
}
COUNTED(cuLaunchKernel, launches)
COUNTED(cuLaunchKernelEx, launches)
NEW(cuGraphCreate)
NEW(cuGraphInstantiateWithFlags)
NEW(cuGraphAddKernelNode_v2)
IGNORED(cuGraphExecKernelNodeSetParams_v2)
COUNTED(cuGraphLaunch, launches)
int cuGetErrorName(int, const char** name) { *name = "an error of the counting GPU"; return 0; }
int cuGetErrorString(int, const char** text) { *text = "an error of the counting GPU"; return 0; }

// NVIDIA's management library, without links between GPUs.
IGNORED(nvmlInit_v2)

// The runtime, which TensorFlow's own kernels were compiled for.
static thread_local struct { Dim3 grid, block; size_t shared; Handle stream; } configuration;
void** __cudaRegisterFatBinary(void*) { static void* handle; return &handle; }
IGNORED(__cudaRegisterFatBinaryEnd)
IGNORED(__cudaUnregisterFatBinary)
IGNORED(__cudaRegisterFunction)
IGNORED(__cudaRegisterVar)
unsigned __cudaPushCallConfiguration(Dim3 grid, Dim3 block, size_t shared, Handle stream) {
  configuration = {grid, block, shared, stream};
  return 0;
}
int __cudaPopCallConfiguration(Dim3* grid, Dim3* block, size_t* shared, Handle* stream) {
  *grid = configuration.grid, *block = configuration.block;
  *shared = configuration.shared, *stream = configuration.stream;
  return 0;
}
int cudaGetFuncBySymbol(const void** kernel, const void* function) { *kernel = function; return 0; }
COUNTED(cudaLaunchKernel, launches)
COUNTED(cudaLaunchKernelExC, launches)
int cudaRuntimeGetVersion(int* version) { *version = 12090; return 0; }
int cudaDriverGetVersion(int* version) { *version = 13000; return 0; }
ZERO(cudaGetDevice)
IGNORED(cudaSetDevice)
int cudaGetDeviceCount(int* count) { *count = 1; return 0; }
int cudaDeviceGetAttribute(int* value, int attribute, int device) {
  return cuDeviceGetAttribute(value, attribute, device);
}
int cudaDeviceGetStreamPriorityRange(int* least, int* most) {
  return cuCtxGetStreamPriorityRange(least, most);
}
int cudaGetDeviceProperties_v2(char* properties, int) {
  struct Field { int offset, value; };  // of cudaDeviceProp in CUDA 12
  memset(properties, 0, 1032);
  for (auto [offset, value] : std::initializer_list<Field>{
           {304, 65536}, {308, 32}, {320, 1024}, {324, 1024}, {328, 1024}, {332, 64},
           {336, 2147483647}, {340, 65535}, {344, 65535}, {348, 1980000}, {360, 9}, {388, 132},
           {604, 1}, {616, 50 << 20}, {624, 2048}, {648, 65536}, {712, 32}})
    memcpy(properties + offset, &value, sizeof value);
  for (auto [offset, value] : std::initializer_list<Field>{
           {296, 49152}, {640, 233472}, {696, 232448}})
    memcpy(properties + offset, &value, sizeof value);
  return 0;
}
int cudaFuncGetAttributes(char* attributes, const void*) {
  memset(attributes, 0, 144);
  const int threads = 1024, registers = 32, version = 90;
  memcpy(attributes + 24, &threads, 4), memcpy(attributes + 28, &registers, 4);
  memcpy(attributes + 32, &version, 4), memcpy(attributes + 36, &version, 4);
  return 0;
}
int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, ...) {
  *blocks = 2;
  return 0;
}
int cudaMemcpyAsync(void* to, const void*, size_t bytes, int kind, Handle) {
  return kind == 2 ? read(to, bytes) : 0;  // cudaMemcpyDeviceToHost
}
IGNORED(cudaMemsetAsync)
COUNTED(cudaStreamSynchronize, waits)
NEW(cudaEventCreateWithFlags)
IGNORED(cudaGetLastError)
IGNORED(cudaPeekAtLastError)
TEXT(cudaGetErrorString)
TEXT(cudaGetErrorName)

// cuBLAS.
NEW(cublasCreate_v2)
int cublasGetVersion_v2(Handle, int* version) { *version = 120903; return 0; }
int cublasGetMathMode(Handle, int* mode) { *mode = 0; return 0; }
int cublasGetPointerMode_v2(Handle, int* mode) { *mode = 0; return 0; }
int cublasGetStream_v2(Handle, Handle* stream) { *stream = 0; return 0; }
IGNORED(cublasSetMathMode)
IGNORED(cublasSetPointerMode_v2)
IGNORED(cublasSetStream_v2)
IGNORED(cublasSetWorkspace_v2)
COUNTED(cublasGemmEx, launches)
COUNTED(cublasSgemmEx, launches)
COUNTED(cublasSgemm_v2, launches)
COUNTED(cublasGemmStridedBatchedEx, launches)
COUNTED(cublasSgemmStridedBatched, launches)
COUNTED(cublasGemmBatchedEx, launches)
COUNTED(cublasSgemv_v2, launches)
TEXT(cublasGetStatusString)
NEW(cublasLtCreate)

// cuDNN: a call counts as one launch, whatever kernels it has.
NEW(cudnnCreate)
size_t cudnnGetVersion() { return 92800; }
int cudnnGetProperty(int part, int* value) {
  *value = part == 0 ? 9 : part == 1 ? 28 : 0;  // major, minor, patch
  return 0;
}
IGNORED(cudnnSetStream)
NEW(cudnnCreateTensorDescriptor)
NEW(cudnnCreateRNNDataDescriptor)
NEW(cudnnCreateDropoutDescriptor)
NEW(cudnnCreateFilterDescriptor)
IGNORED(cudnnSetTensorNdDescriptor)
IGNORED(cudnnSetRNNDataDescriptor)
IGNORED(cudnnSetFilterNdDescriptor)
IGNORED(cudnnSetDropoutDescriptor)
IGNORED(cudnnDestroyTensorDescriptor)
IGNORED(cudnnDestroyRNNDataDescriptor)
IGNORED(cudnnDestroyFilterDescriptor)
IGNORED(cudnnDestroyRNNDescriptor)
IGNORED(cudnnDestroyDropoutDescriptor)
int cudnnDropoutGetStatesSize(Handle, size_t* bytes) { *bytes = 1024; return 0; }
struct Layer { size_t weights; int type; };
static thread_local int type;
int cudnnCreateRNNDescriptor(Layer** layer) { *layer = new Layer{}; return 0; }
int cudnnSetRNNDescriptor_v8(Layer* layer, int, int mode, int, int, int, int data_type, int, int,
                             int inputs, int units, ...) {
  const size_t gates = mode == 2 ? 4 : 3;  // CUDNN_LSTM, CUDNN_GRU
  layer->type = type = data_type;
  layer->weights = gates * units * (inputs + units + 2) * (type == 0 ? 4 : 2);  // CUDNN_DATA_FLOAT
  return 0;
}
IGNORED(cudnnGetRNNDescriptor_v8)
int cudnnGetRNNWeightSpaceSize(Handle, Layer* layer, size_t* bytes) {
  *bytes = layer->weights;
  return 0;
}
int cudnnGetRNNTempSpaceSizes(Handle, Layer*, int, Handle, size_t* work, size_t* reserve) {
  if (work) *work = 1 << 20;
  if (reserve) *reserve = 1 << 20;
  return 0;
}
int cudnnGetRNNWeightParams(Handle, Layer*, int, size_t, void* weights, int, Handle, void** matrix,
                            Handle, void** bias) {
  *matrix = *bias = weights;
  return 0;
}
int cudnnGetTensorNdDescriptor(Handle, int, int* data_type, int* axes, int* sizes, int* strides) {
  *data_type = type, *axes = 3;
  for (int axis = 0; axis < 3; ++axis) sizes[axis] = strides[axis] = 1;
  return 0;
}
COUNTED(cudnnRNNForward, launches)
COUNTED(cudnnRNNBackwardData_v8, launches)
COUNTED(cudnnRNNBackwardWeights_v8, launches)
TEXT(cudnnGetErrorString)
}
