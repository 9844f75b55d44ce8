find_dependency(Protobuf)
include(${CMAKE_CURRENT_LIST_DIR}/evio-protobuf-targets.cmake)
set(evio_protobuf_FOUND TRUE)
