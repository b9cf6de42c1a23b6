# A layer's public headers are listed beside its sources: cnf_public_headers(cnf_base types.hpp random.hpp ...). They are
# what is installed, each must compile alone, and none may include a header that is not listed (tests/consumer).
function(cnf_public_headers target)
  foreach(header IN LISTS ARGN)
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${header})
      message(FATAL_ERROR "${target} lists ${header} as public, which is absent")
    endif()
  endforeach()
  set_property(TARGET ${target} PROPERTY CNF_PUBLIC_HEADERS ${ARGN})
endfunction()
