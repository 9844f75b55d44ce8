# An overlay port: it builds the tree that it lies in, and downloads no archive of it.
cmake_path(ABSOLUTE_PATH CURRENT_PORT_DIR NORMALIZE OUTPUT_VARIABLE here)
cmake_path(SET SOURCE_PATH NORMALIZE "${here}/../../../..")

vcpkg_check_features(OUT_FEATURE_OPTIONS options
  FEATURES
    http EVIO_HTTP
    metrics EVIO_METRICS
    protobuf EVIO_PROTOBUF
    uring EVIO_URING
)
if("metrics" IN_LIST FEATURES OR "uring" IN_LIST FEATURES)
  vcpkg_find_acquire_program(PKGCONFIG)
  list(APPEND options "-DPKG_CONFIG_EXECUTABLE=${PKGCONFIG}")
endif()

# evio::websocket is left out: vcpkg has no port of wslay.
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS ${options} -DEVIO_WEBSOCKET=OFF -DEVIO_BUILD_EXAMPLES=OFF -DEVIO_BUILD_TESTS=OFF
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/evio)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
