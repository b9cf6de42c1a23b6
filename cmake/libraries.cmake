# Highway and xxHash as the targets PkgConfig::hwy and PkgConfig::xxhash: by pkg-config, or by CMake packages of their own
# where the system has no .pc files. Included by the build and, installed, by cnfConfig.cmake; cnf_missing names what is
# in neither place.
set(cnf_missing)
find_package(PkgConfig QUIET)

# cnf_find_library(NAME MODULE PACKAGE TARGET): as pkg-config calls it, then as CMake does.
macro(cnf_find_library name module package target)
  if(PkgConfig_FOUND)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
  endif()
  if(NOT TARGET PkgConfig::${name})
    find_package(${package} CONFIG QUIET)
    set(${name}_VERSION ${${package}_VERSION})
    if(TARGET ${target})
      add_library(PkgConfig::${name} INTERFACE IMPORTED)
      target_link_libraries(PkgConfig::${name} INTERFACE ${target})
    else()
      list(APPEND cnf_missing "${module} (Debian: ${module}-dev)")
    endif()
  endif()
endmacro()
cnf_find_library(xxhash libxxhash xxHash xxHash::xxhash)
cnf_find_library(hwy libhwy hwy hwy::hwy)
