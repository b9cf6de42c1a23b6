// Catch2 version 3 under the name and in the spelling of version 2, which the tests use. In the include path only where
// version 3 is what the system has.
#pragma once

#include <catch2/catch_approx.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using Catch::Approx;

namespace Catch {
namespace Matchers {
inline auto Contains(const std::string& part, CaseSensitive sensitive = CaseSensitive::Yes) {
  return ContainsSubstring(part, sensitive);
}
}  // namespace Matchers
using namespace Matchers;
}  // namespace Catch
