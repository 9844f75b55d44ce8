# What all libraries of this project have in common.

# evio_library(<target> <header>...): how the target is compiled, and the headers that its users include.
function(evio_library target)
  set(scope INTERFACE)
  get_target_property(type ${target} TYPE)
  if(NOT type STREQUAL INTERFACE_LIBRARY)
    set(scope PUBLIC)
    # Static ones, too: they may become a part of somebody's shared library. Shared ones find each other in one folder.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON INSTALL_RPATH "$ORIGIN"
                                               VERSION ${PROJECT_VERSION} SOVERSION ${EVIO_SOVERSION})
    # A shared library exports what EVIO_API marks, and a program may link two versions of what is hidden.
    set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
      target_compile_options(${target} PRIVATE -fno-semantic-interposition)  # else its own calls are not inlined
      if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        target_compile_options(${target} PRIVATE -Wno-restrict)  # warns of "text" + std::string (GCC's bug 105651)
      endif()
    endif()
  endif()
  target_include_directories(${target} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  foreach(header IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH header BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    cmake_path(RELATIVE_PATH header BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/include OUTPUT_VARIABLE below)
    cmake_path(GET below PARENT_PATH folder)
    install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder} COMPONENT dev)
  endforeach()
endfunction()

# evio_component(<name>): the target evio_<name> is the component evio::<name>, installed with cmake/evio-<name>.cmake,
# which finds what it needs.
macro(evio_component name)
  add_library(evio::${name} ALIAS evio_${name})
  set_target_properties(evio_${name} PROPERTIES EXPORT_NAME ${name})
  list(APPEND components ${name})
endmacro()

# evio_pkg_config(<name> <description> LIBS <flag>... REQUIRES <module>... NEEDS <module>... NEEDS_LIBS <flag>...): what
# pkg-config reads. NEEDS is what the library itself links to: who links to a static one links to that, too.
function(evio_pkg_config name description)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LIBS;REQUIRES;NEEDS;NEEDS_LIBS")
  get_target_property(type evio TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    list(APPEND arg_REQUIRES ${arg_NEEDS})
    list(APPEND arg_LIBS ${arg_NEEDS_LIBS})
    set(arg_NEEDS)
    set(arg_NEEDS_LIBS)
  endif()
  if(arg_LIBS)
    list(PREPEND arg_LIBS "-L\${libdir}")
  endif()
  list(JOIN arg_LIBS " " libs)
  list(JOIN arg_NEEDS_LIBS " " libs_private)
  list(JOIN arg_REQUIRES ", " requires)
  list(JOIN arg_NEEDS ", " requires_private)
  set(EVIO_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${EVIO_PC_DIR}
             OUTPUT_VARIABLE EVIO_PC_TO_PREFIX)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/package.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${EVIO_PC_DIR} COMPONENT dev)
endfunction()
