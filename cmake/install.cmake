# What `cmake --install` puts where: the library, its headers, and what find_package and pkg-config read.
include(CMakePackageConfigHelpers)

install(TARGETS evio evio_simulation EXPORT evioTargets FILE_SET HEADERS)

get_target_property(type evio TYPE)
if(LIBURING_FOUND AND type STREQUAL STATIC_LIBRARY)  # then those who link to evio link to it too
  set(EVIO_NEEDS_LIBURING TRUE)
  set(EVIO_PC_REQUIRES_PRIVATE liburing)
endif()

set(EVIO_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/evio)
install(EXPORT evioTargets NAMESPACE evio:: DESTINATION ${EVIO_CMAKE_DIR})

configure_package_config_file(cmake/evioConfig.cmake.in evioConfig.cmake INSTALL_DESTINATION ${EVIO_CMAKE_DIR}
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(evioConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/evioConfig.cmake ${PROJECT_BINARY_DIR}/evioConfigVersion.cmake
        DESTINATION ${EVIO_CMAKE_DIR})

set(EVIO_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${EVIO_PC_DIR}
           OUTPUT_VARIABLE EVIO_PC_TO_PREFIX)
foreach(package evio evio-simulation)
  configure_file(cmake/${package}.pc.in ${package}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${package}.pc DESTINATION ${EVIO_PC_DIR})
endforeach()

foreach(component IN LISTS components)
  install(TARGETS evio_${component} EXPORT evio-${component}-targets FILE_SET HEADERS)
  install(EXPORT evio-${component}-targets NAMESPACE evio:: DESTINATION ${EVIO_CMAKE_DIR})
  install(FILES cmake/evio-${component}.cmake DESTINATION ${EVIO_CMAKE_DIR})
  configure_file(cmake/evio-${component}.pc.in evio-${component}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/evio-${component}.pc DESTINATION ${EVIO_PC_DIR})
endforeach()
