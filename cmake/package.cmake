# What `cpack -G DEB` makes of a build: libevio-dev, and of a build with BUILD_SHARED_LIBS=ON also libevio0, which is what
# programs need to run. docs/packages.md says what is in them.
set(runtime libevio${EVIO_SOVERSION})
set(CPACK_PACKAGE_CONTACT "The evio authors <evio@localhost>")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libevio-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${runtime})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)

# The first line, which lists of packages show, is the project's description.
list(JOIN components ", " offered)
set(about "evio is an event-loop networking library: fill in a few handlers, name the
addresses, call serve. It speaks TCP, UDP and unix sockets.")
set(CPACK_DEBIAN_DEV_DESCRIPTION "${about}
.
To build programs: headers, libraries, and what CMake and pkg-config read.
Components: simulation, ${offered}.")
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "${about}
.
To run programs that were built with libevio-dev.")

# Nobody's debugger finds the folder of the build, so nothing of it is packed. The script does what CPack itself does not.
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/finish-package.cmake)
set(CPACK_EVIO_STRIP ${CMAKE_STRIP})

# pkg-config and find_package look for these when they find the library.
set(needed libc6-dev)
if(LIBURING_FOUND)
  list(APPEND needed pkg-config liburing-dev)
endif()
foreach(pair http=zlib1g-dev websocket=pkg-config websocket=nettle-dev websocket=libwslay-dev metrics=pkg-config
             metrics=prometheus-cpp-dev protobuf=libprotobuf-dev)
  string(REPLACE "=" ";" pair ${pair})
  list(GET pair 0 component)
  list(GET pair 1 package)
  if(TARGET evio::${component})
    list(APPEND needed ${package})
  endif()
endforeach()
list(REMOVE_DUPLICATES needed)

set(CPACK_COMPONENTS_ALL dev)
if(type STREQUAL SHARED_LIBRARY)
  list(APPEND CPACK_COMPONENTS_ALL runtime)
  list(PREPEND needed "${runtime} (= ${PROJECT_VERSION})")
  find_program(EVIO_SHLIBDEPS dpkg-shlibdeps)
  if(EVIO_SHLIBDEPS)
    set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
  endif()
  # Packages that link to these libraries learn from it that they depend on this one.
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
endif()
list(JOIN needed ", " CPACK_DEBIAN_DEV_PACKAGE_DEPENDS)
include(CPack)
