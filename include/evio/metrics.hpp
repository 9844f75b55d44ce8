// What a server counts, served over HTTP; the component evio::metrics.
#pragma once

#include <evio/binding.hpp>
#include <evio/export.hpp>
#include <string_view>

namespace evio { inline namespace v0 {

/// An address that shows what the server it is given to counts (see Stats), to be served beside the
/// others: `serve(std::move(events), "tcp://:5000", evio::metrics("tcp://127.0.0.1:9091"))`. It
/// answers GET and HEAD of
///
///  - `/metrics`: the text format of Prometheus, every counter for each loop (the thread that only
///  accepts is
///    loop="accept")
///  - `/`: a page with plots, which asks once a second and needs nothing from elsewhere
///  - `/stats.json`: what the page asks for; its form may change
///
/// The address is a tcp or unix one. Whoever can reach it sees the figures: nothing asks who it is,
/// so keep it to loopback or a network of your own. What is asked here counts as well: the
/// connections, bytes and messages of this address are the server's too. Throws Error as Binding
/// does.
EVIO_API Binding metrics(std::string_view address);

}}  // namespace evio::v0
