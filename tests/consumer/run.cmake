# Installs the build tree BUILD into an empty folder, builds the installed examples against it by the compiler CXX
# without our flags, through find_package and through pkg-config, and runs them.
# usage: cmake -D BUILD=FOLDER -D CXX=COMPILER -D GENERATOR=NAME -P run.cmake
cmake_minimum_required(VERSION 3.22)

unset(ENV{CXXFLAGS})
unset(ENV{LDFLAGS})
set(work ${BUILD}/consumer)
set(prefix ${work}/prefix)
file(REMOVE_RECURSE ${work})
file(MAKE_DIRECTORY ${work})

function(step)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work}
                  RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE out)
  string(REPLACE ";" " " command "${ARGN}")
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${command}: ${result}\n${out}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

step(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
foreach(file man/man1/cnf.1 bash-completion/completions/cnf zsh/site-functions/_cnf fish/vendor_completions.d/cnf.fish)
  if(NOT EXISTS ${prefix}/share/${file})
    message(FATAL_ERROR "share/${file} is not installed")
  endif()
endforeach()

set(examples ${prefix}/share/doc/libcnf-dev/examples)
step(${prefix}/bin/cnf data moons -N 1000 -o ${work}/points.csv)
function(run_example program)
  step(${program} ${work}/points.csv 30)
  if(NOT out MATCHES "NLL.*1000 samples.*reads back to the same values")
    message(FATAL_ERROR "${program} says\n${out}")
  endif()
  message(STATUS "${program}: ${out}")
endfunction()

step(${CMAKE_COMMAND} -S ${examples} -B ${work}/build -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${CXX}
     -D CMAKE_PREFIX_PATH=${prefix})
step(${CMAKE_COMMAND} --build ${work}/build)
run_example(${work}/build/fit_and_sample)
step(${work}/build/lynx_and_hare)
if(NOT out MATCHES "births 0\\.5402, deaths 0\\.02717, lynxes' deaths 0\\.7964, births 0\\.02369")
  message(FATAL_ERROR "lynx_and_hare says\n${out}")
endif()
message(STATUS "lynx_and_hare: ${out}")
step(${work}/build/pendulum)
message(STATUS "pendulum: ${out}")

# Every installed header compiles alone, and none is private: its first line would say of which sources.
file(GLOB_RECURSE headers RELATIVE ${prefix}/include/cnf ${prefix}/include/cnf/*.hpp)
if(NOT "flows/cnf.hpp" IN_LIST headers)
  message(FATAL_ERROR "flows/cnf.hpp is not installed")
endif()
file(GLOB pc ${prefix}/lib*/pkgconfig ${prefix}/lib*/*/pkgconfig)
set(ENV{PKG_CONFIG_PATH} ${pc})
execute_process(COMMAND pkg-config --cflags --libs cnf OUTPUT_VARIABLE flags
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
foreach(header IN LISTS headers)
  file(STRINGS ${prefix}/include/cnf/${header} first LIMIT_COUNT 1)
  if(first MATCHES "Private to" OR header MATCHES "-inl")
    message(FATAL_ERROR "${header} is installed, and private")
  endif()
  file(WRITE ${work}/alone.cpp "#include \"${header}\"\n")
  step(${CXX} -std=c++20 -fsyntax-only ${work}/alone.cpp ${flags})
endforeach()

# The same program by pkg-config.
step(${CXX} -std=c++20 ${examples}/fit_and_sample.cpp ${flags} -o ${work}/by_pkg_config)
run_example(${work}/by_pkg_config)
