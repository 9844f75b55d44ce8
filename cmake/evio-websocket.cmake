# Included by evioConfig.cmake for those who ask for the component websocket.
include(${CMAKE_CURRENT_LIST_DIR}/evio-http.cmake)
find_dependency(wslay CONFIG)
if(NOT TARGET PkgConfig::NETTLE)
  find_dependency(PkgConfig)
  pkg_check_modules(NETTLE REQUIRED QUIET IMPORTED_TARGET nettle)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/evio-websocket-targets.cmake)
set(evio_websocket_FOUND TRUE)
