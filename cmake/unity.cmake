# The sources of one folder are compiled as one: half of a source's time goes into headers and templates that its
# neighbours read and instantiate too. So names in anonymous namespaces are unique within a folder, and none is also
# that of a nested namespace's header, which it would hide without a word.
# Where sources change often, -D CNF_UNITY=OFF compiles each alone; so do clang's builds.
option(CNF_UNITY "Compile the sources of a folder as one: less work in all, more after a change" OFF)

# cnf_unity(TARGET): after the last of its sources is listed. Alone stay sources with options of their own, and those
# of the build folder: that folder's name would be in the program, whose bytes are the same wherever it is built.
function(cnf_unity target)
  if(NOT CNF_UNITY OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # What is one source's own looks shared here.
  target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    if(IS_ABSOLUTE ${source})
      continue()
    endif()
    get_filename_component(folder ${source} DIRECTORY)
    string(REPLACE "/" "_" folder "${folder}")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP "${target}_${folder}")
  endforeach()
endfunction()
