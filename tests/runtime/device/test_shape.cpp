// Shapes, strides, contiguity and sizes that do not fit.
#include "check.h"
#include "device/shape.h"

namespace {

using namespace jtcy;

void test_element_count() {
  CHECK_EQ(element_count({}), int64_t{1});
  CHECK_EQ(element_count({2, 3, 4}), int64_t{24});
  CHECK_EQ(element_count({2, 0, 4}), int64_t{0});
}

void test_contiguous_strides_are_row_major() {
  CHECK(contiguous_strides({2, 3, 4}) == (Strides{12, 4, 1}));
  CHECK(contiguous_strides({}) == Strides{});
  CHECK(contiguous_strides({5}) == Strides{1});
}

void test_contiguity() {
  CHECK(is_contiguous({2, 3}, {3, 1}));
  CHECK(is_contiguous({}, {}));
  CHECK(is_contiguous({2, 1, 3}, {3, 99, 1}));  // an extent of 1 may have any stride
  CHECK(is_contiguous({0, 3}, {7, 7}));         // nothing to lie anywhere
  CHECK(is_contiguous({3, 2, 0}, {7, 7, 7}));
  CHECK(!is_contiguous({2, 3}, {1, 2}));  // transposed
  CHECK(!is_contiguous({2, 3}, {0, 1}));  // broadcast
  CHECK(!is_contiguous({2, 3}, {4, 1}));  // a slice
  CHECK(!is_contiguous({3}, {-1}));
  CHECK(!is_contiguous({3}, {2}));
}

void test_shape_text() {
  CHECK_EQ(shape_text({32, 784}), std::string("[32, 784]"));
  CHECK_EQ(shape_text({7}), std::string("[7]"));
  CHECK_EQ(shape_text({}), std::string("[]"));
}

void test_sizes_that_fit() {
  check_size("zeros", {}, 8);
  check_size("zeros", {int64_t{1} << 59}, 8);
  check_size("zeros", {0, int64_t{1} << 40}, 8);
  check_size("zeros", {3037000499, 3037000499}, 1);  // floor(sqrt(2**63 - 1)) squared
}

void test_sizes_that_do_not_fit_name_function_and_shape() {
  const auto kind = ErrorKind::kValue;
  CHECK_ERROR(kind, "zeros: shape [4294967296, 4294967296]",
              check_size("zeros", {int64_t{1} << 32, int64_t{1} << 32}, 1));
  CHECK_ERROR(kind, "8 bytes an element", check_size("zeros", {int64_t{1} << 60}, 8));
  CHECK_ERROR(kind, "zeros: shape [3037000500, 3037000500]", check_size("zeros", {3037000500, 3037000500}, 1));
  CHECK_ERROR(kind, "zeros", check_size("zeros", {0, int64_t{1} << 40, int64_t{1} << 40}, 1));  // as NumPy
  CHECK_ERROR(kind, "negative extent, -1", check_size("zeros", {2, -1}, 4));
}

}  // namespace

int main() {
  return check::run_all({TEST(test_element_count), TEST(test_contiguous_strides_are_row_major), TEST(test_contiguity),
                         TEST(test_shape_text), TEST(test_sizes_that_fit),
                         TEST(test_sizes_that_do_not_fit_name_function_and_shape)});
}
