# The component evio::metrics: src/metrics, with prometheus-cpp for the text format and Boost.Beast (headers) for HTTP.
option(EVIO_METRICS "Offer evio::metrics where prometheus-cpp's core and Boost's headers are found" ON)
if(EVIO_METRICS)
  find_package(PkgConfig)
  find_package(Boost QUIET)
  if(PKG_CONFIG_FOUND)  # prometheus-cpp's own file for CMake asks for libraries that its core does without
    pkg_check_modules(PROMETHEUS IMPORTED_TARGET prometheus-cpp-core)
  endif()
endif()
if(NOT EVIO_METRICS OR NOT PROMETHEUS_FOUND OR NOT Boost_FOUND)
  return()
endif()

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS src/metrics/page.html)
file(READ src/metrics/page.html EVIO_METRICS_PAGE)
configure_file(src/metrics/page.cpp.in metrics_page.cpp @ONLY)

file(GLOB metrics_sources CONFIGURE_DEPENDS src/metrics/*.cpp src/metrics/*.hpp)
add_library(evio_metrics ${metrics_sources} ${CMAKE_CURRENT_BINARY_DIR}/metrics_page.cpp)
evio_library(evio_metrics include/evio/metrics.hpp)
target_include_directories(evio_metrics PRIVATE src/metrics)
target_link_libraries(evio_metrics PUBLIC evio PRIVATE PkgConfig::PROMETHEUS $<BUILD_INTERFACE:Boost::headers>)
evio_component(metrics)
evio_pkg_config(evio-metrics "What an evio server counts, served over HTTP" LIBS -levio_metrics
                REQUIRES "evio = ${PROJECT_VERSION}" NEEDS prometheus-cpp-core)
