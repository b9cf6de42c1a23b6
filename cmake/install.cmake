# Installs what `find_package(cnf)` and `pkg-config cnf` need: static libraries, headers, examples; and the program with
# its manual page and completions.
option(CNF_INSTALL "Install the libraries, headers and program" ${PROJECT_IS_TOP_LEVEL})
if(NOT CNF_INSTALL)
  return()
endif()

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME program)  # the other one is development; cmake/package.cmake packs each

set(layers base solvers datasets flows)
set(cnf_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cnf)

set_target_properties(cnf_public PROPERTIES EXPORT_NAME public)
foreach(layer IN LISTS layers)
  set_target_properties(cnf_${layer} PROPERTIES EXPORT_NAME ${layer})
  # A static library passes on what it links privately. Of that, our own flags and header-only libraries bring nothing
  # to a consumer's link: they must not become something that a consumer has to find.
  get_target_property(links cnf_${layer} INTERFACE_LINK_LIBRARIES)
  if(links)
    list(REMOVE_ITEM links $<LINK_ONLY:cnf_private> $<LINK_ONLY:nlohmann_json::nlohmann_json>)
    set_target_properties(cnf_${layer} PROPERTIES INTERFACE_LINK_LIBRARIES "${links}")
  endif()
  get_target_property(headers cnf_${layer} CNF_PUBLIC_HEADERS)
  foreach(header IN LISTS headers)
    get_filename_component(folder ${layer}/${header} DIRECTORY)
    install(FILES ${layer}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cnf/${folder} COMPONENT development)
  endforeach()
  list(APPEND layer_targets cnf_${layer})
  get_target_property(type cnf_${layer} TYPE)
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    string(PREPEND link_flags " -lcnf_${layer}")  # a user before what it uses
  endif()
endforeach()

install(TARGETS cnf_public ${layer_targets} EXPORT cnf COMPONENT development)
install(EXPORT cnf NAMESPACE cnf:: DESTINATION ${cnf_cmake_dir} FILE cnfTargets.cmake COMPONENT development)
if(TARGET cnf)
  install(TARGETS cnf)
  cnf_install_generated(cnf)
endif()

configure_package_config_file(cmake/cnfConfig.cmake.in ${PROJECT_BINARY_DIR}/cnfConfig.cmake
                              INSTALL_DESTINATION ${cnf_cmake_dir})
# Until 1.0 a minor version may change an interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cnfConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cnfConfig.cmake ${PROJECT_BINARY_DIR}/cnfConfigVersion.cmake cmake/libraries.cmake
        DESTINATION ${cnf_cmake_dir} COMPONENT development)

# Relative to the file itself, so that an installation may be moved and --prefix may differ.
file(RELATIVE_PATH prefix_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/cnf.pc.in ${PROJECT_BINARY_DIR}/cnf.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cnf.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libcnf-dev COMPONENT development)

include(cmake/package.cmake)

if(PROJECT_IS_TOP_LEVEL AND CNF_TESTS AND NOT CNF_SANITIZED)
  add_test(NAME "install: a consumer without our flags finds the package, links and runs"
           COMMAND ${CMAKE_COMMAND} -D BUILD=${PROJECT_BINARY_DIR} -D CXX=${CMAKE_CXX_COMPILER}
                   -D GENERATOR=${CMAKE_GENERATOR} -P ${PROJECT_SOURCE_DIR}/tests/consumer/run.cmake)
  set_tests_properties("install: a consumer without our flags finds the package, links and runs"
                       PROPERTIES LABELS "slow" TIMEOUT 300)
endif()
