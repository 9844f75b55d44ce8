# The component evio::websocket: src/protocol/websocket, on evio::http, with wslay for frames, zlib, Nettle (SHA-1 and
# base64), UTF8-CPP and Boost.Beast (headers).
option(EVIO_WEBSOCKET "Offer evio::websocket where evio::http is offered, and wslay, Nettle and UTF8-CPP are found" ON)
if(EVIO_WEBSOCKET)
  find_package(PkgConfig)
  find_package(wslay CONFIG QUIET)
  find_path(UTF8CPP_INCLUDE_DIR utf8.h)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(NETTLE IMPORTED_TARGET nettle)
  endif()
endif()
if(NOT EVIO_WEBSOCKET OR NOT TARGET evio::http OR NOT TARGET wslay OR NOT NETTLE_FOUND OR NOT UTF8CPP_INCLUDE_DIR)
  return()
endif()

file(GLOB websocket_sources CONFIGURE_DEPENDS src/protocol/websocket/*.cpp src/protocol/websocket/*.hpp)
file(GLOB websocket_headers CONFIGURE_DEPENDS include/evio/websocket/*.hpp)
add_library(evio_websocket ${websocket_sources})
evio_library(evio_websocket include/evio/websocket.hpp ${websocket_headers})
target_include_directories(evio_websocket PRIVATE src)
target_include_directories(evio_websocket SYSTEM PRIVATE ${UTF8CPP_INCLUDE_DIR})
target_link_libraries(evio_websocket PUBLIC evio evio_http
                      PRIVATE wslay PkgConfig::NETTLE ZLIB::ZLIB $<BUILD_INTERFACE:Boost::headers>)
evio_component(websocket)
evio_pkg_config(evio-websocket "WebSocket on evio" LIBS -levio_websocket REQUIRES "evio-http = ${PROJECT_VERSION}"
                NEEDS nettle zlib NEEDS_LIBS -lwslay)
