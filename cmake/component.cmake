# evio_component(<name>): the target evio_<name> is the component evio::<name>, installed with cmake/evio-<name>.cmake,
# which finds what it needs, and with cmake/evio-<name>.pc.in for pkg-config.
macro(evio_component name)
  add_library(evio::${name} ALIAS evio_${name})
  set_target_properties(evio_${name} PROPERTIES EXPORT_NAME ${name})
  list(APPEND components ${name})
endmacro()
