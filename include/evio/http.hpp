// The whole HTTP component, server and client: include this and link evio::http.
#pragma once

#include <evio/http/client.hpp>
#include <evio/http/field.hpp>
#include <evio/http/files.hpp>
#include <evio/http/request.hpp>
#include <evio/http/response.hpp>
#include <evio/http/router.hpp>
#include <evio/http/server.hpp>
#include <evio/http/settings.hpp>
#include <evio/http/upgrade.hpp>
