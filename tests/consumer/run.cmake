# Installs the build tree BUILD into an empty folder, builds this folder's project against it by the compiler CXX
# without our flags, through find_package and through pkg-config, and runs it.
# usage: cmake -D BUILD=FOLDER -D CXX=COMPILER -D GENERATOR=NAME -P run.cmake
cmake_minimum_required(VERSION 3.22)

unset(ENV{CXXFLAGS})
unset(ENV{LDFLAGS})
set(here ${CMAKE_CURRENT_LIST_DIR})
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

step(${CMAKE_COMMAND} -S ${here} -B ${work}/build -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${CXX}
     -D CMAKE_PREFIX_PATH=${prefix})
step(${CMAKE_COMMAND} --build ${work}/build)
step(${work}/build/consumer)
message(STATUS "find_package: ${out}")

# The same by pkg-config, and every installed header at once: none may need what is not installed or not required.
file(GLOB pc ${prefix}/lib*/pkgconfig ${prefix}/lib*/*/pkgconfig)
set(ENV{PKG_CONFIG_PATH} ${pc})
execute_process(COMMAND pkg-config --cflags --libs cnf OUTPUT_VARIABLE flags
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
file(GLOB_RECURSE headers RELATIVE ${prefix}/include/cnf ${prefix}/include/cnf/*.hpp)
list(TRANSFORM headers PREPEND "#include \"")
list(TRANSFORM headers APPEND "\"\n")
string(JOIN "" headers ${headers})
file(WRITE ${work}/headers.cpp "${headers}")
step(${CXX} -std=c++20 ${work}/headers.cpp ${here}/main.cpp ${flags} -o ${work}/by_pkg_config)
step(${work}/by_pkg_config)
message(STATUS "pkg-config: ${out}")
