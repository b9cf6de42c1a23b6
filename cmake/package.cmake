# Two Debian packages by cpack: `cnf`, the program, and `libcnf-dev`, what a program that uses the libraries is built with.
set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL program development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGE_NAME cnf)
set(CPACK_PACKAGE_CONTACT "the cnf authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME cnf)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
    "learns a density from points, evaluates it exactly, draws from it
The program cnf trains continuous normalizing flows on tables and pictures.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libcnf-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libeigen3-dev, libhwy-dev, libxxhash-dev, pkg-config, zlib1g-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "continuous normalizing flows: C++20 libraries and headers
Static libraries for find_package(cnf) and pkg-config.")

install(FILES LICENSE DESTINATION share/doc/cnf RENAME copyright)
install(FILES LICENSE DESTINATION share/doc/libcnf-dev RENAME copyright COMPONENT development)
include(CPack)

find_program(CNF_DPKG_SHLIBDEPS dpkg-shlibdeps)
if(PROJECT_IS_TOP_LEVEL AND CNF_TESTS AND NOT CNF_SANITIZED AND CNF_DPKG_SHLIBDEPS)
  add_test(NAME "package: installs, runs, is built with, and leaves nothing behind"
           COMMAND ${PROJECT_SOURCE_DIR}/tests/package/check.sh ${PROJECT_BINARY_DIR})
  set_tests_properties("package: installs, runs, is built with, and leaves nothing behind"
                       PROPERTIES LABELS "slow" TIMEOUT 300)
endif()
