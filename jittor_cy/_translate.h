// The only C++ file that knows both sides: jtcy::Error becomes a Python exception, Python frames become origins.
#pragma once
#include <Python.h>
#include <frameobject.h>
#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000
#define Py_BUILD_CORE 1
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#endif

#include <array>
#include <cstring>
#include <new>
#include <string>

#include "api.h"

namespace jtcy {

/// The class in jittor_cy.errors for a kind; a new reference. Cold.
inline PyObject* exception_type(ErrorKind kind) {
  static constexpr const char* kNames[] = {"InternalError",     "ShapeError",    "DtypeError",        "IndexError_",
                                           "ArgumentTypeError", "ArgumentError", "MemoryBudgetError", "CompileError",
                                           "RunError",          "ForkError",     "GradientError",     "DeviceError"};
  PyObject* module = PyImport_ImportModule("jittor_cy.errors");
  PyObject* type = module ? PyObject_GetAttrString(module, kNames[static_cast<int>(kind)]) : nullptr;
  Py_XDECREF(module);
  if (type == nullptr) {
    PyErr_Clear();
    type = PyExc_RuntimeError;
    Py_INCREF(type);
  }
  return type;
}

/// The error gate: called inside a catch block with the GIL held.
inline void translate_exception() {
  if (PyErr_Occurred()) return;  // a callback into Python failed: its own error passes on
  try {
    throw;
  } catch (const Error& error) {
    PyObject* type = exception_type(error.kind());
    PyErr_SetString(type, error.what());
    Py_DECREF(type);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_Format(PyExc_RuntimeError, "internal error: %s", error.what());
  }
}

/// Whether a code object belongs to the package itself, or to the standard library's copy, which calls it back. Code
/// objects are remembered (with a reference, so that an address cannot come back as another function): the check is one
/// comparison for the functions in use.
class OwnCode {
 public:
  void set_places(std::string folder, std::string copy_module) {
    folder_ = std::move(folder);
    copy_module_ = std::move(copy_module);
  }
  bool contains(PyCodeObject* code) {
    Entry& entry = entries_[(reinterpret_cast<uintptr_t>(code) >> 6) % entries_.size()];
    if (entry.code != code) [[unlikely]]
      remember(entry, code);
    return entry.own;
  }

 private:
  struct Entry {
    PyCodeObject* code = nullptr;
    bool own = false;
  };
  void remember(Entry& entry, PyCodeObject* code) {
    const char* name = PyUnicode_AsUTF8(code->co_filename);
    if (name == nullptr) PyErr_Clear();
    Py_INCREF(code);
    Py_XDECREF(entry.code);
    const bool known = name != nullptr && !folder_.empty();
    entry = {code, known && (std::strncmp(name, folder_.c_str(), folder_.size()) == 0 || name == copy_module_)};
  }
  std::string folder_, copy_module_;
  std::array<Entry, 256> entries_{};
};

inline OwnCode& own_code() {
  static OwnCode* code = new OwnCode;  // outlives the interpreter's teardown
  return *code;
}

// Note [Frames]
// Every node has an origin, so this runs for every node. CPython's public functions make an object of each frame that
// they look at; where the layout of the interpreter's own frames is known, they are read as they are.

/// A few frames are looked at for the nearest one outside the package.
inline constexpr int kMaxFrames = 12;

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000
inline Origin current_origin() {
  const _PyInterpreterFrame* frame = PyThreadState_Get()->cframe->current_frame;
  for (int depth = 0; frame != nullptr && depth < kMaxFrames; ++depth, frame = frame->previous) {
    PyCodeObject* const code = frame->f_code;
    if (own_code().contains(code) || _PyFrame_IsIncomplete(const_cast<_PyInterpreterFrame*>(frame))) continue;
    Py_INCREF(code);
    return {code, static_cast<int32_t>(_PyInterpreterFrame_LASTI(frame) * sizeof(_Py_CODEUNIT))};
  }
  return {};
}
#else
inline int last_instruction(PyFrameObject* frame) {
#if PY_VERSION_HEX >= 0x030B0000
  return PyFrame_GetLasti(frame);
#else
  return frame->f_lasti * 2;
#endif
}

inline Origin current_origin() {
  PyFrameObject* frame = PyThreadState_GetFrame(PyThreadState_Get());
  for (int depth = 0; frame != nullptr && depth < kMaxFrames; ++depth) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    if (!own_code().contains(code)) {
      const Origin origin{code, last_instruction(frame)};
      Py_DECREF(frame);
      return origin;
    }
    Py_DECREF(code);
    PyFrameObject* caller = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = caller;
  }
  Py_XDECREF(frame);
  return {};
}
#endif

inline Origin retain_origin(Origin origin) {
  Py_INCREF(static_cast<PyObject*>(origin.code));
  return origin;
}

inline void release_origin(Origin origin) {
  if (origin.code != nullptr && Py_IsInitialized()) Py_DECREF(static_cast<PyObject*>(origin.code));
}

/// "train.py:41"
inline std::string text_of_origin(Origin origin) {
  if (origin.code == nullptr) return "";
  auto* code = static_cast<PyCodeObject*>(origin.code);
  const char* name = PyUnicode_AsUTF8(code->co_filename);
  if (name == nullptr) {
    PyErr_Clear();
    return "";
  }
  const char* slash = std::strrchr(name, '/');
  return std::string(slash ? slash + 1 : name) + ":" + std::to_string(PyCode_Addr2Line(code, origin.instruction));
}

/// For waits inside calls that hold the GIL: other Python threads go on meanwhile.
inline void* release_gil() { return PyGILState_Check() ? PyEval_SaveThread() : nullptr; }
inline void acquire_gil(void* state) {
  if (state != nullptr) PyEval_RestoreThread(static_cast<PyThreadState*>(state));
}
inline void install_wait_hooks() { set_wait_hooks({release_gil, acquire_gil}); }

inline void install_origins(const std::string& folder, const std::string& copy_module) {
  own_code().set_places(folder, copy_module);
  set_origin_hooks({current_origin, retain_origin, release_origin, text_of_origin});
}

/// A callback of the Cython floor: 0, or -1 with a Python error set.
using GradientFunction = int (*)(void* context, const SmallVector<VarRef, 2>* cotangents,
                                 SmallVector<VarRef, 3>* gradients);

/// A user's function and the Cython function that calls it; lives as long as the op that it hangs on.
struct PythonGradient {
  PyObject* context;
  GradientFunction function;

  static void call(void* self, const SmallVector<VarRef, 2>& cotangents, SmallVector<VarRef, 3>* gradients) {
    auto* gradient = static_cast<PythonGradient*>(self);
    if (gradient->function(gradient->context, &cotangents, gradients) < 0)
      throw_error(ErrorKind::kGradient, "a gradient function raised an exception");
  }
  static void release(void* self) {
    auto* gradient = static_cast<PythonGradient*>(self);
    if (Py_IsInitialized()) Py_DECREF(gradient->context);
    delete gradient;
  }
};

/// A callback of the graph that calls `function` with a Python object.
inline GradientCallback gradient_callback(void* context, GradientFunction function) {
  Py_INCREF(static_cast<PyObject*>(context));
  GradientCallback callback;
  callback.context = new PythonGradient{static_cast<PyObject*>(context), function};
  callback.call = PythonGradient::call;
  callback.release = PythonGradient::release;
  return callback;
}

/// Gives back the Python object behind borrowed memory; may run in any thread and at exit.
inline void release_object(void* object) {
  if (!Py_IsInitialized()) return;
  const PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF(static_cast<PyObject*>(object));
  PyGILState_Release(state);
}

inline Ref<Buffer> borrow_buffer(void* address, int64_t nbytes, Device device, void* object) {
  Py_INCREF(static_cast<PyObject*>(object));
  return make_ref<Buffer>(address, nbytes, device, release_object, object);
}

}  // namespace jtcy
