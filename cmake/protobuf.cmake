# The component evio::protobuf: a header over what the core and libprotobuf have.
find_package(Protobuf QUIET)
option(EVIO_PROTOBUF "Offer evio::protobuf where libprotobuf is found" ON)
if(NOT EVIO_PROTOBUF OR NOT Protobuf_FOUND)
  return()
endif()

add_library(evio_protobuf INTERFACE)
evio_library(evio_protobuf include/evio/protobuf.hpp)
target_link_libraries(evio_protobuf INTERFACE evio protobuf::libprotobuf)
evio_component(protobuf)
evio_pkg_config(evio-protobuf "Protobuf messages over evio" REQUIRES "evio = ${PROJECT_VERSION}" protobuf)
