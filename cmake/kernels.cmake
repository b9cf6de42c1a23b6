# Sources that Highway compiles once for each instruction set, chosen at run time: only their baseline is set here.
# Called where the sources' target is: cnf_kernels(kernels/matmul.cpp ...).
# x86: AES, which Highway's SSE4 and AVX2 ask for, is not used; nor are the targets beyond AVX3, which add nothing to
# float and double products, and which no test would run.
# ARM: vectors have no size the compiler knows under SVE, so NEON alone; Highway before 1.0.4 takes NEON only with AES.
function(cnf_kernels)
  set(options)
  set(definitions)
  if(CNF_X86)
    set(options -march=x86-64-v2)
    set(definitions HWY_DISABLE_PCLMUL_AES)
    if(hwy_VERSION VERSION_GREATER_EQUAL 1.1)
      list(APPEND definitions "HWY_DISABLED_TARGETS=(HWY_AVX3_DL|HWY_AVX3_ZEN4|HWY_AVX3_SPR)")
    endif()
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(definitions "HWY_DISABLED_TARGETS=(HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128)")
    if(hwy_VERSION VERSION_LESS 1.0.4)
      set(options -march=armv8-a+crypto)
    endif()
  endif()
  if(CNF_FUZZ)  # no foreign byte comes here, and sanitized they take minutes to compile
    list(APPEND options -fno-sanitize=all)
  endif()
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "${options}" COMPILE_DEFINITIONS "${definitions}"
                              SKIP_PRECOMPILE_HEADERS ON)
endfunction()
