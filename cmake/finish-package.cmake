# CPack runs it when everything stands in the folders that become packages, one for each component.
foreach(pair dev=${CPACK_DEBIAN_DEV_PACKAGE_NAME} runtime=${CPACK_DEBIAN_RUNTIME_PACKAGE_NAME})
  string(REPLACE "=" ";" pair ${pair})
  list(GET pair 0 component)
  list(GET pair 1 package)
  set(folder ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component})
  if(NOT EXISTS ${folder})
    continue()
  endif()
  file(MAKE_DIRECTORY ${folder}/usr/share/doc/${package})
  configure_file(${CPACK_RESOURCE_FILE_LICENSE} ${folder}/usr/share/doc/${package}/copyright COPYONLY)

  # CPack strips shared libraries only.
  file(GLOB_RECURSE archives ${folder}/*.a)
  foreach(archive IN LISTS archives)
    execute_process(COMMAND ${CPACK_EVIO_STRIP} --strip-debug ${archive} COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endforeach()
