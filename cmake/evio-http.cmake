# Included by evioConfig.cmake for those who ask for the component http.
find_dependency(ZLIB)
include(${CMAKE_CURRENT_LIST_DIR}/evio-http-targets.cmake)
set(evio_http_FOUND TRUE)
