# The only `cdef extern` of runtime/api.h, with the error gate on every function that may throw.
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.string cimport string
from libcpp.utility cimport pair
from libcpp.vector cimport vector

cdef extern from "_translate.h" namespace "jtcy" nogil:
    void translate_exception()
    void install_wait_hooks()
    void install_origins(const string& folder, const string& copy_module) except +translate_exception
    ctypedef int (*GradientFunction)(void*, const Refs2*, Refs3*) noexcept
    cdef cppclass GradientCallback:
        pass
    GradientCallback gradient_callback(void* context, GradientFunction function) except +translate_exception
    BufferRef borrow_buffer(void* address, int64_t nbytes, Device device, void* object) except +translate_exception

cdef extern from *:
    """
    #include "api.h"
    namespace jtcy {
    using Ints3 = SmallVector<int64_t, 3>;
    using Ints6 = SmallVector<int64_t, 6>;
    using Ints8 = SmallVector<int64_t, 8>;
    using Refs2 = SmallVector<VarRef, 2>;
    using Refs3 = SmallVector<VarRef, 3>;
    using Shapes2 = SmallVector<Shape, 2>;
    using Dtypes2 = SmallVector<Dtype, 2>;
    }
    """
    cdef cppclass Ints3 "jtcy::Ints3":
        void push_back(int64_t value) except +
        size_t size() nogil
        int64_t& operator[](size_t i) nogil
    cdef cppclass Ints6 "jtcy::Ints6":
        Ints6()
        void push_back(int64_t value) except +
        size_t size() nogil
        int64_t& operator[](size_t i) nogil
        bint operator==(const Ints6& other) nogil
    cdef cppclass Ints8 "jtcy::Ints8":
        void push_back(int64_t value) except +
        size_t size() nogil
        int64_t& operator[](size_t i) nogil
    cdef cppclass Refs2 "jtcy::Refs2":
        void push_back(VarRef value) except +
        size_t size() nogil
        VarRef& operator[](size_t i) nogil
    cdef cppclass Shapes2 "jtcy::Shapes2":
        void push_back(Ints6 value) except +
    cdef cppclass Dtypes2 "jtcy::Dtypes2":
        void push_back(Dtype value) except +
    cdef cppclass Refs3 "jtcy::Refs3":
        void resize(size_t count) except +
        size_t size() nogil
        VarRef& operator[](size_t i) nogil

cdef extern from "api.h" namespace "jtcy" nogil:
    cdef enum class ErrorKind(int):
        kInternal

    # ---- dtypes, shapes, devices ----
    cdef enum class Dtype(uint8_t):
        kBool
        kUint8
        kInt8
        kInt16
        kInt32
        kInt64
        kUint16
        kUint32
        kUint64
        kFloat16
        kBfloat16
        kFloat32
        kFloat64
    int64_t itemsize(Dtype dtype)
    cdef enum class DtypeKind(uint8_t):
        kBool
        kSigned
        kUnsigned
        kFloat
    DtypeKind kind_of(Dtype dtype)
    cbool is_floating(Dtype dtype)
    cbool is_integral(Dtype dtype)
    Dtype promote(Dtype a, Dtype b)
    cdef enum class DeviceKind(uint8_t):
        kCpu
        kCuda
    cdef cppclass Device:
        DeviceKind kind
        int16_t index
        string name()
    int64_t element_count(const Ints6& shape)
    Ints6 contiguous_strides(const Ints6& shape) except +translate_exception
    string shape_text(const Ints6& shape) except +translate_exception
    void check_size(const char* function, const Ints6& shape, int64_t itemsize) except +translate_exception

    # ---- memory ----
    cdef enum class Residency(uint8_t):
        kDevice
        kDisk
    cdef cppclass Buffer:
        Residency residency()
        void* address()
        int64_t nbytes()
        Device device()
        cbool borrowed()
        int64_t ticket
        int32_t pins
    cdef cppclass BufferRef "jtcy::Ref<jtcy::Buffer>":
        BufferRef()
        BufferRef(Buffer* buffer)
        Buffer* get()
        void reset()
    cdef cppclass MemoryStats:
        int64_t live_nbytes
        int64_t cached_nbytes
        int64_t counted_nbytes
        int64_t peak_live_nbytes
        int64_t peak_counted_nbytes
        int64_t budget_nbytes
        int64_t spilled_nbytes
        int64_t spill_written_nbytes
        int64_t spill_read_nbytes
        int64_t spill_mapped_nbytes
        int64_t evictions
        int64_t allocations
        int64_t segment_allocations
    cdef enum class EventKind "jtcy::MemoryEvent::What"(uint8_t):
        kAllocate "jtcy::MemoryEvent::What::kAllocate"
    cdef cppclass MemoryEvent:
        EventKind what
        int64_t nbytes
        int64_t counted_nbytes
        int64_t time_ns
        uint64_t address
    cdef cppclass MemoryManager:
        @staticmethod
        MemoryManager& of(Device device) except +translate_exception
        BufferRef allocate(int64_t nbytes, const char* function) except +translate_exception
        int64_t budget()
        void trim()
        MemoryStats stats()
        void reset_peak()
        vector[MemoryEvent] events() except +translate_exception
        vector[Buffer*] live_buffers() except +translate_exception
        string report_text(int count) except +translate_exception
        void set_spill_folder(string folder) except +translate_exception
        void fail_allocation(int64_t n)
    cdef cppclass Backend:
        void copy_to_host(void* host, const void* device, int64_t nbytes) except +translate_exception
        void copy_from_host(void* device, const void* host, int64_t nbytes) except +translate_exception
        cbool host_visible()
        void synchronize() except +translate_exception
    void set_huge_pages(cbool on)
    Backend& backend_of(Device device) except +translate_exception
    cbool has_backend(Device device)

    # ---- nodes ----
    cdef enum class OpKind(uint16_t):
        kFull
        kCopy
        kCast
        kNeg
        kAbs
        kBitNot
        kAdd
        kSub
        kMul
        kDiv
        kFloorDiv
        kMod
        kPow
        kBitAnd
        kBitOr
        kBitXor
        kShiftLeft
        kShiftRight
        kEq
        kNe
        kLt
        kLe
        kGt
        kGe
        kMaximum
        kMinimum
        kCode
    const int kOpKindCount
    cdef enum class ScanKind(uint8_t):
        pass
    cdef enum class ReduceKind(uint8_t):
        kSum
        kProd
        kMax
        kMin
        kArgMax
        kArgMin
    cdef enum class Family(uint8_t):
        kSource
    Family family_of(OpKind kind)
    cdef cppclass StringView "std::string_view":
        const char* data()
        size_t size()
    StringView op_name(OpKind kind)
    StringView dtype_name(Dtype dtype)

    cdef cppclass Attrs:
        Attrs()
        Ints8 structure
        void add_int(int64_t value) except +
        void add_float(double value) except +
    cdef cppclass Op:
        OpKind kind
        Refs2 inputs
        cbool pending
        cbool differentiable
    const char* why_kept(const Op& op)
    void set_rewrites(cbool enabled)
    cdef cppclass OpRef "jtcy::Ref<jtcy::Op>":
        Op* get()
    cdef cppclass VarNode "jtcy::Var":
        uint64_t id
        Ints6 shape
        Dtype dtype
        Device device
        OpRef producer
        BufferRef buffer
        int64_t offset
        Ints6 strides
        int32_t held
        cbool stop_grad
        cbool trainable
        cbool realized()
        cbool contiguous()
        int64_t count()
        int64_t nbytes()
    cdef cppclass VarRef:
        VarRef()
        VarRef(VarNode* node)
        VarNode* get()
        void reset()
    string origin_text(const VarNode& node) except +translate_exception

    VarRef make_leaf(BufferRef buffer, int64_t offset, Ints6 shape, Ints6 strides, Dtype dtype,
                     Device device) except +translate_exception
    VarRef make_node(OpKind kind, const Refs2& inputs, Attrs attrs, Ints6 shape,
                     Dtype dtype) except +translate_exception
    VarRef make_cast(const VarRef& x, Dtype dtype) except +translate_exception
    VarRef make_full(const Ints6& shape, Dtype dtype, double value) except +translate_exception
    VarRef make_full_int(const Ints6& shape, Dtype dtype, int64_t value) except +translate_exception
    VarRef make_iota(const Ints6& shape, Dtype dtype, int axis, double start, double step) except +translate_exception
    VarRef make_random(const Ints6& shape, Dtype dtype, int64_t seed, int64_t counter) except +translate_exception
    VarRef make_broadcast(const VarRef& x, const Ints6& shape, const Ints6& input_axes) except +translate_exception
    VarRef make_broadcast_to(const VarRef& x, const Ints6& shape, const char* function) except +translate_exception
    VarRef make_transpose(const VarRef& x, const Ints6& perm) except +translate_exception
    VarRef make_reshape(const VarRef& x, const Ints6& shape, const char* function) except +translate_exception
    VarRef make_slice(const VarRef& x, const Ints6& start, const Ints6& step,
                      const Ints6& shape) except +translate_exception
    VarRef make_pad(const VarRef& x, const Ints6& low, const Ints6& shape, double value) except +translate_exception
    VarRef make_concat(const Refs2& inputs, int axis, const char* function) except +translate_exception
    VarRef make_insert(const VarRef& x, const VarRef& v, const Ints6& start,
                       const Ints6& step) except +translate_exception
    VarRef make_reindex(const Refs2& inputs, Attrs attrs, const Ints6& shape,
                        const char* function) except +translate_exception
    VarRef make_reindex_reduce(const Refs2& inputs, Attrs attrs, const Ints6& shape,
                               const char* function) except +translate_exception
    VarRef make_detached(const VarRef& x) except +translate_exception
    Refs2 make_function(const Refs2& values, const Refs2& inputs, GradientCallback callback) except +translate_exception
    Refs2 make_code(const Refs2& inputs, Attrs attrs, const Shapes2& shapes, const Dtypes2& dtypes,
                    GradientCallback callback) except +translate_exception
    void set_default_device(Device device)
    void set_schedule(uint32_t number)
    Device default_device()
    int64_t pending_ops()
    int64_t recorded_ops()
    int64_t live_vars()
    int64_t live_ops()
    void hold(VarNode& node)
    void unhold(VarNode& node)

    # ---- composites ----
    VarRef compose_binary(OpKind kind, const VarRef& a, const VarRef& b,
                          const char* function) except +translate_exception
    VarRef compose_binary_scalar(OpKind kind, const VarRef& a, cbool scalar_first, cbool is_float, double f, int64_t i,
                                 const char* function) except +translate_exception
    VarRef compose_unary(OpKind kind, const VarRef& x, const char* function) except +translate_exception
    VarRef compose_where(const VarRef& condition, const VarRef& a, const VarRef& b) except +translate_exception
    VarRef make_scan(const VarRef& x, const VarRef& factor, ScanKind kind, int64_t axis, cbool reverse,
                     const char* function) except +translate_exception
    VarRef compose_reduce(ReduceKind kind, const VarRef& x, uint32_t axes, cbool keepdims,
                          const char* function) except +translate_exception
    VarRef compose_mean(const VarRef& x, uint32_t axes, cbool keepdims) except +translate_exception
    VarRef compose_variance(const VarRef& x, uint32_t axes, cbool keepdims,
                            double correction) except +translate_exception
    VarRef compose_softmax(const VarRef& x, int axis, cbool logarithm) except +translate_exception
    VarRef compose_logsumexp(const VarRef& x, uint32_t axes, cbool keepdims) except +translate_exception
    VarRef compose_layer_norm(const VarRef& x, int normalized_dims, const VarRef& weight, const VarRef& bias,
                              double eps) except +translate_exception
    VarRef compose_batch_norm(const VarRef& x, const VarRef& mean, const VarRef& variance, const VarRef& weight,
                              const VarRef& bias, double eps, cbool training, VarRef* batch_mean,
                              VarRef* batch_variance) except +translate_exception
    VarRef compose_relu(const VarRef& x) except +translate_exception
    VarRef compose_gelu(const VarRef& x, cbool tanh_form) except +translate_exception
    VarRef compose_cross_entropy(const VarRef& logits, const VarRef& target, const VarRef& weight, int reduction,
                                 int64_t ignore_index, double label_smoothing) except +translate_exception
    VarRef compose_contraction(const VarRef& a, const VarRef& b, const Attrs& attrs, const Ints6& shape,
                               const char* function) except +translate_exception
    VarRef compose_matmul(const VarRef& a, const VarRef& b) except +translate_exception
    VarRef compose_attention(const VarRef& q, const VarRef& k, const VarRef& v, const VarRef& mask, double scale,
                             double fill, cbool causal, cbool zero_rows) except +translate_exception
    void set_fused_attention(cbool enabled)
    void set_winograd(cbool enabled)
    VarRef compose_linear(const VarRef& x, const VarRef& weight, const VarRef& bias) except +translate_exception
    cdef cppclass ConvSpec:
        Ints3 stride
        Ints3 padding
        Ints3 dilation
        int64_t groups
    VarRef compose_conv(const VarRef& x, const VarRef& weight, const VarRef& bias,
                        const ConvSpec& spec) except +translate_exception
    VarRef compose_conv_transpose(const VarRef& x, const VarRef& weight, const VarRef& bias, const ConvSpec& spec,
                                  const Ints3& output_padding) except +translate_exception
    VarRef compose_pool(const VarRef& x, cbool maximum, const Ints3& kernel, const Ints3& stride, const Ints3& padding,
                        cbool ceil_mode, cbool count_include_pad) except +translate_exception
    VarRef compose_embedding(const VarRef& weight, const VarRef& index) except +translate_exception
    VarRef compose_take(const VarRef& x, const VarRef& index, int axis,
                        const char* function) except +translate_exception
    VarRef compose_dropout(const VarRef& x, double p, int64_t seed, int64_t counter) except +translate_exception
    cdef cppclass SgdSpec:
        double lr
        double momentum
        double dampening
        double weight_decay
        cbool nesterov
        cbool maximize
        cbool first
    cdef cppclass AdamSpec:
        double lr
        double beta1
        double beta2
        double eps
        double weight_decay
        cbool decoupled
        cbool amsgrad
        cbool maximize
        int64_t step
    VarRef compose_sgd(const VarRef& p, const VarRef& g, VarRef* momentum, const SgdSpec& spec,
                       uint32_t group) except +translate_exception
    VarRef compose_adam(const VarRef& p, const VarRef& g, VarRef* m, VarRef* v, VarRef* vmax, const AdamSpec& spec,
                        uint32_t group) except +translate_exception

    # ---- gradients ----
    cdef cppclass GradientReport:
        vector[string] unreached
    vector[VarRef] backward(const VarRef& loss, const VarRef& cotangent, const vector[VarRef]& targets, cbool release,
                            GradientReport* report) except +translate_exception
    vector[VarNode*] differentiable_leaves(const VarRef& loss) except +translate_exception
    void set_grad_enabled(cbool enabled)
    cbool grad_enabled()

    # ---- running ----
    cdef enum class FlushReason(uint8_t):
        kRead
        kSyncAll
        kWindow
        kMemory
        kEager
    cdef cppclass RuntimeFlags:
        cbool fuse
        cbool eager
        cbool interpret
        cbool wait_for_kernels
        cbool autotune
        cbool compile_at_once
        cbool plan_cache
        cbool verify
        int64_t window_ops
        int64_t window_nbytes
        cbool use_cuda
        cbool managed_memory
    RuntimeFlags& runtime_flags()
    cdef cppclass ExecStats:
        int64_t launches
        int64_t interpreted_launches
        int64_t flushes[5]
        int64_t programs_compiled
        int64_t plan_hits
        int64_t plan_misses
        int64_t runs
        int64_t runs_inline
        int64_t ops_run
        int64_t waits
    cdef cppclass Executor:
        @staticmethod
        Executor& instance() except +translate_exception
        void flush(const vector[VarNode*]& targets, FlushReason reason) except +translate_exception
        void flush_everything(FlushReason reason) except +translate_exception
        void after_record() except +translate_exception
        BufferRef allocate(Device device, int64_t nbytes, const char* function) except +translate_exception
        void upload(Buffer& buffer, const void* host, int64_t nbytes) except +translate_exception
        void set_budget(Device device, int64_t nbytes) except +translate_exception
        void wait(const Buffer& buffer) except +translate_exception
        void wait_all() except +translate_exception
        void wait_for_queued(Device device) except +translate_exception
        cbool idle()
        ExecStats stats()
        void reset_stats()
        size_t plan_count()
        void clear_plans()
        string last_plan_text() except +translate_exception
        string last_plan_reason() except +translate_exception
        void stop()
        void after_fork()
    cdef cppclass ThreadPool:
        @staticmethod
        ThreadPool& instance() except +translate_exception
        int threads()
        void set_threads(int threads) except +translate_exception
        void stop()
    const char* instruction_set()
    vector[string] instruction_sets(cbool supported_only) except +translate_exception
    cbool set_instruction_set(const char* name)
    void set_windows(cbool on, cbool across_planes)
    void set_trace(int level, string channels) except +translate_exception
    void set_trace_sink(void (*sink)(void*, const char*) noexcept, void* context)
    void write_trace(const char* channel, const string& facts) except +translate_exception
    cdef cppclass CodeTensor:
        pass
    ctypedef void (*CodeEntry)(const CodeTensor*, const CodeTensor*, const void*)
    int64_t register_code(const string& name, CodeEntry entry) except +translate_exception

# ---- snapshots and Programs (_plan.pyx) ----
cdef extern from "api.h" namespace "jtcy" nogil:
    cdef enum class LeafLayout(uint8_t):
        kNone
        kContiguous
        kStrided
    cdef cppclass Hash128:
        string hex() except +translate_exception
    cdef cppclass SnapshotSymbol:
        int64_t value
        cbool constant
    cdef cppclass SnapshotVar:
        Dtype dtype
        LeafLayout leaf
        cbool output
        int32_t producer
        int32_t first_symbol
        int32_t ndim
        uint32_t repeated
        int32_t unit_axis
    cdef cppclass SnapshotOp:
        OpKind kind
        uint32_t update_group
        uint32_t schedule
        int32_t first_input
        int32_t input_count
        int32_t first_output
        int32_t output_count
        int32_t first_structure
        int32_t structure_count
        int32_t scalar_count
        uint64_t float_scalars
    cdef cppclass GraphSnapshot:
        vector[SnapshotSymbol] symbols
        vector[int32_t] symbols_of_axes
        vector[SnapshotVar] vars
        vector[SnapshotOp] ops
        vector[int32_t] operands
        vector[int64_t] structure
        int32_t leaf_count
        Device device
        Hash128 signature
        vector[VarNode*] live_vars
        vector[Op*] live_ops
    vector[Op*] choose_cut(const vector[VarNode*]& targets, cbool everything) except +translate_exception
    void take_snapshot(const vector[Op*]& cut, uint64_t flags_hash, GraphSnapshot* out) except +translate_exception

    cdef enum class DimWhat "jtcy::DimRef::What"(uint8_t):
        kExtent
        kStride
        kConstant
        kCount
    cdef cppclass DimRef:
        DimWhat what
        int32_t var
        int32_t axis
        int64_t value
    cdef cppclass ProductTerm "jtcy::Product::Term":
        int32_t dim
        int64_t divisor
    cdef cppclass Product:
        vector[ProductTerm] terms
        int64_t factor
    cdef cppclass ScalarRef:
        int32_t op
        int32_t scalar
    cdef cppclass PhaseSpec:
        Product grid
        Product work
        int64_t grain_ns
        cbool block_per_iteration
    cdef enum class KernelState "jtcy::Kernel::State"(int):
        kReady
    cdef cppclass KernelStateCell "std::atomic<jtcy::Kernel::State>":
        KernelState load()
    cdef cppclass Kernel:
        KernelStateCell state
    cdef cppclass KernelRef "jtcy::Ref<jtcy::Kernel>":
        Kernel* get()
    cdef cppclass Launch:
        KernelRef kernel
        vector[int32_t] ops
        vector[int32_t] buffers
        int32_t output_count
        vector[DimRef] dims
        vector[ScalarRef] scalars
        vector[PhaseSpec] phases
        Product local_nbytes
        Product shared_nbytes
        vector[pair[int32_t, int32_t]] donations
        int32_t batch
    cdef cppclass Program:
        Hash128 signature
        vector[Launch] launches
        string text() except +translate_exception
        void finish(int32_t var_count, int32_t leaf_count) except +translate_exception
    cdef cppclass ProgramRef "jtcy::Ref<jtcy::Program>":
        ProgramRef()
        ProgramRef(Program* program)
        Program* get()
    cdef cppclass Trial:
        Trial(const GraphSnapshot& live) except +translate_exception
        vector[int64_t] time(vector[Launch] launches, int64_t budget_ns) except +translate_exception
        vector[int64_t] extents() except +translate_exception
    cdef cppclass KernelTable:
        @staticmethod
        KernelTable& instance() except +translate_exception
        KernelRef get(const string& key, const string& name) except +translate_exception
        cbool contains(const string& key)
        void load_cpu(const string& key, const string& path, const string& symbol,
                      int phases) except +translate_exception
        void set_ready(const string& key, vector[void*] phases, void* library) except +translate_exception
        void set_failed(const string& key, string why) except +translate_exception
        void note_change()
        void clear()
    ctypedef ProgramRef (*CompileFunction)(void* context, const GraphSnapshot& snapshot)
    cdef cppclass PlanEntry:
        GraphSnapshot snapshot
        ProgramRef fused
        cbool planning
    cdef cppclass PlanEntryRef "jtcy::Ref<jtcy::PlanEntry>":
        PlanEntryRef()
        PlanEntry* get()
    ctypedef void (*CompileLaterFunction)(void* context, const PlanEntryRef& entry)
    cdef cppclass CompileHook:
        void* context
        CompileFunction compile
        CompileFunction recall
        CompileLaterFunction compile_later
    void set_compile_hook(CompileHook hook)
