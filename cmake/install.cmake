# What `cmake --install` puts where: the libraries, and what find_package reads. The headers and what pkg-config reads
# stand with each library (component.cmake).
include(CMakePackageConfigHelpers)

set(EVIO_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/evio)
set(to_places RUNTIME COMPONENT runtime LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev ARCHIVE COMPONENT dev)

install(TARGETS evio evio_simulation EXPORT evioTargets ${to_places})
install(EXPORT evioTargets NAMESPACE evio:: DESTINATION ${EVIO_CMAKE_DIR} COMPONENT dev)

get_target_property(type evio TYPE)
if(LIBURING_FOUND AND type STREQUAL STATIC_LIBRARY)  # then those who link to evio link to it too
  set(EVIO_NEEDS_LIBURING TRUE)
endif()
list(JOIN components " " installed)
configure_package_config_file(cmake/evioConfig.cmake.in evioConfig.cmake INSTALL_DESTINATION ${EVIO_CMAKE_DIR}
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(evioConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/evioConfig.cmake ${PROJECT_BINARY_DIR}/evioConfigVersion.cmake
        DESTINATION ${EVIO_CMAKE_DIR} COMPONENT dev)

foreach(component IN LISTS components)
  install(TARGETS evio_${component} EXPORT evio-${component}-targets ${to_places})
  install(EXPORT evio-${component}-targets NAMESPACE evio:: DESTINATION ${EVIO_CMAKE_DIR} COMPONENT dev)
  install(FILES cmake/evio-${component}.cmake DESTINATION ${EVIO_CMAKE_DIR} COMPONENT dev)
endforeach()
