# The manual page and the completions, which a program writes from its option tables as soon as it is linked. One for
# another machine runs by CMAKE_CROSSCOMPILING_EMULATOR; without that they are written by a cnf of the same version that
# runs here, and left out where none is named.
set(CNF_NATIVE_PROGRAM "" CACHE FILEPATH "Cross-compiling: a cnf of this version that runs here")

# Called where the target is. Its property CNF_GENERATED is the folder they are in, if they are made.
function(cnf_generate target)
  set(program ${target})
  if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    set(program ${CNF_NATIVE_PROGRAM})
  endif()
  if(NOT program)
    message(STATUS "Cross-compiling: no manual page and no completions; -D CNF_NATIVE_PROGRAM=.../cnf makes them")
    return()
  endif()
  set(folder ${PROJECT_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(TARGET ${target} POST_BUILD
                     COMMAND ${program} --generate man > ${folder}/cnf.1
                     COMMAND ${program} --generate bash > ${folder}/cnf
                     COMMAND ${program} --generate zsh > ${folder}/_cnf
                     COMMAND ${program} --generate fish > ${folder}/cnf.fish
                     BYPRODUCTS ${folder}/cnf.1 ${folder}/cnf ${folder}/_cnf ${folder}/cnf.fish VERBATIM)
  set_target_properties(${target} PROPERTIES CNF_GENERATED ${folder})
endfunction()

# Installs them where shells and `man` look. Debian's zsh has a folder of its own below /usr.
function(cnf_install_generated target)
  get_target_property(folder ${target} CNF_GENERATED)
  if(NOT folder)
    return()
  endif()
  install(FILES ${folder}/cnf.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${folder}/cnf DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${folder}/cnf.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
  install(CODE "
    set(zsh site-functions)
    if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\" AND EXISTS /etc/debian_version)
      set(zsh vendor-completions)
    endif()
    file(INSTALL \"${folder}/_cnf\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/zsh/\${zsh}\")"
          COMPONENT program)
endfunction()
