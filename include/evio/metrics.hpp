// Serves a server's counters over HTTP, for Prometheus and for a browser. Link
// evio::metrics.
#pragma once

#include <evio/binding.hpp>
#include <evio/export.hpp>
#include <string_view>

namespace evio { inline namespace v0 {

/// Returns an address that serves the counters (Stats) of the server that it is given to:
///
///     evio::serve(std::move(events), "tcp://:5000", evio::metrics("tcp://127.0.0.1:9091"));
///
/// `address` is a tcp or unix address. GET and HEAD are answered for
///  - `/metrics`: every counter of each loop in the text format of Prometheus; the thread that only
///    accepts is loop="accept";
///  - `/`: a page with plots, which requests the values once a second and nothing from other hosts;
///  - `/stats.json`: the values for that page; their form may change.
///
/// There is no authentication: everyone who can reach the address sees the values. Use a loopback
/// address or a private network. The connections, bytes and messages of this address are counted
/// too. Throws Error as Binding does.
EVIO_API Binding metrics(std::string_view address);

}}  // namespace evio::v0
