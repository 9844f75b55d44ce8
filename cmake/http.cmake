# The component evio::http: src/protocol/http, on the public headers alone, with Boost.Beast (headers) and zlib.
option(EVIO_HTTP "Offer evio::http where Boost's headers and zlib are found" ON)
if(EVIO_HTTP)
  find_package(Boost 1.74 QUIET)
  find_package(ZLIB QUIET)
endif()
if(NOT EVIO_HTTP OR NOT Boost_FOUND OR NOT ZLIB_FOUND)
  return()
endif()

file(GLOB http_sources CONFIGURE_DEPENDS src/protocol/http/*.cpp src/protocol/http/*.hpp)
file(GLOB http_headers CONFIGURE_DEPENDS include/evio/http/*.hpp)
add_library(evio_http ${http_sources})
evio_library(evio_http include/evio/http.hpp ${http_headers})
target_include_directories(evio_http PRIVATE src)
target_link_libraries(evio_http PUBLIC evio PRIVATE $<BUILD_INTERFACE:Boost::headers> ZLIB::ZLIB Threads::Threads)
evio_component(http)
evio_pkg_config(evio-http "HTTP/1.1 on evio" LIBS -levio_http REQUIRES "evio = ${PROJECT_VERSION}" NEEDS zlib
                NEEDS_LIBS -pthread)
