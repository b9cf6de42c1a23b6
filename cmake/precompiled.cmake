# Headers that nearly every source reads, compiled once: a fifth of a build. By g++ alone: clang's builds hold every
# source to its own includes.
# cnf_precompile(TARGET [HEADER...]): after cnf_solvers without more headers, its headers are read.
function(cnf_precompile target)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  if(TARGET cnf_solvers AND NOT target STREQUAL "cnf_solvers" AND NOT ARGN)
    target_precompile_headers(${target} REUSE_FROM cnf_solvers)
  else()
    target_precompile_headers(${target} PRIVATE <Eigen/Core> <algorithm> <cmath> <filesystem> <functional> <memory>
                              <optional> <span> <string> <string_view> <vector> ${ARGN})
  endif()
  # Read so, the standard library's own headers are no system headers to what g++ infers while it optimises.
  target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endfunction()
