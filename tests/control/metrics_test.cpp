// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/metrics.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "control/histogram.h"
#include "control/lines.h"
#include "support/content.h"

namespace dpinholer::control {
namespace {

using us = std::chrono::microseconds;

std::string a_status() {
  Histogram held;
  held.add(us{50});
  held.add(us{51}, 2);
  held.add(us{700});
  held.add(us{10'000'000});
  Status status;
  status.version = "1.2.3";
  status.uptime = std::chrono::milliseconds{12'500};
  status.table = "inet filter";
  status.memory = 9'000'448;
  status.queues = {{0, 1, 2, 3}, {1, 0, 0, 0}};
  status.figures = {{"packets", "queued", 12},   {"packets", "malformed", 1},   {"packets", "keep_alives", 2},
                    {"packets", "not_sip", 3},   {"packets", "unreadable", 4},  {"packets", "dropped", 5},
                    {"calls", "offered", 6},     {"calls", "answered", 7},      {"calls", "seen", 8},
                    {"pinholes", "open", 9},     {"pinholes", "waiting", 10},   {"sets", "transactions", 11},
                    {"sets", "changes", 12},     {"sets", "failed", 13},        {"sets", "rewritten", 14},
                    {"sets", "retried", 15},     {"sets", "swept", 16},         {"conntrack", "deleted", 17},
                    {"conntrack", "failed", 18}, {"inspector", "restarts", 19}, {"inspector", "repelled", 21},
                    {"tcp", "foreign", 20},      {"scanners", "messages", 22},  {"scanners", "banned", 23},
                    {"scanners", "bans", 24},    {"scanners", "failed", 25},    {"packets", "unread", 26},
                    {"sets", "late", 27},        {"packets", "sip_tls", 28}};
  status.labelled = {{"messages", {{"method", "INVITE"}, {"result", "request"}}, 3},
                     {"messages", {{"method", "INVITE"}, {"result", "2xx"}}, 2},
                     {"refusals", {{"reason", "port-policy"}}, 1},
                     {"unread", {{"reason", "encoding"}}, 4}};
  status.held = held.row();
  return status_line(status);
}

// What promtool check metrics accepted, word for word.
TEST(Metrics, AreWrittenAsPrometheusReadsThem) {
  EXPECT_EQ(metrics_text(a_status(), MetricsFormat::prometheus),
            R"(# HELP dpinholer_up Whether the daemon answers.
# TYPE dpinholer_up gauge
dpinholer_up 1
# HELP dpinholer_build_info The version of the daemon.
# TYPE dpinholer_build_info gauge
dpinholer_build_info{version="1.2.3"} 1
# HELP dpinholer_uptime_seconds Seconds since the daemon started.
# TYPE dpinholer_uptime_seconds gauge
dpinholer_uptime_seconds 12.5
# HELP dpinholer_resident_memory_bytes Memory of the daemon that is resident.
# TYPE dpinholer_resident_memory_bytes gauge
dpinholer_resident_memory_bytes 9000448
# HELP dpinholer_packets_total Packets read from the queues.
# TYPE dpinholer_packets_total counter
dpinholer_packets_total 12
# HELP dpinholer_packets_dropped_total Packets dropped because the configuration says so.
# TYPE dpinholer_packets_dropped_total counter
dpinholer_packets_dropped_total 5
# HELP dpinholer_packets_unread_total Packets that reached the queue rule and were not read, for want of room.
# TYPE dpinholer_packets_unread_total counter
dpinholer_packets_unread_total 26
# HELP dpinholer_packets_sip_tls_total Packets of SIP over TLS that the rules counted: nobody reads them.
# TYPE dpinholer_packets_sip_tls_total counter
dpinholer_packets_sip_tls_total 28
# HELP dpinholer_calls_seen_total Calls whose signalling was followed.
# TYPE dpinholer_calls_seen_total counter
dpinholer_calls_seen_total 8
# HELP dpinholer_pinholes Pinholes that are open.
# TYPE dpinholer_pinholes gauge
dpinholer_pinholes 9
# HELP dpinholer_pinholes_waiting Pinholes that the kernel refuses for now.
# TYPE dpinholer_pinholes_waiting gauge
dpinholer_pinholes_waiting 10
# HELP dpinholer_transactions_total Transactions that changed the sets.
# TYPE dpinholer_transactions_total counter
dpinholer_transactions_total 11
# HELP dpinholer_element_changes_total Elements of the sets added, renewed or removed.
# TYPE dpinholer_element_changes_total counter
dpinholer_element_changes_total 12
# HELP dpinholer_commit_errors_total Changes of elements that the kernel refused.
# TYPE dpinholer_commit_errors_total counter
dpinholer_commit_errors_total 13
# HELP dpinholer_late_messages_total Messages that went on before the kernel had written what they changed.
# TYPE dpinholer_late_messages_total counter
dpinholer_late_messages_total 27
# HELP dpinholer_conntrack_deletions_total Flows forgotten because their pinhole closed.
# TYPE dpinholer_conntrack_deletions_total counter
dpinholer_conntrack_deletions_total 17
# HELP dpinholer_conntrack_errors_total Walks and deletions that failed.
# TYPE dpinholer_conntrack_errors_total counter
dpinholer_conntrack_errors_total 18
# HELP dpinholer_inspector_restarts_total Inspectors that had to be started anew.
# TYPE dpinholer_inspector_restarts_total counter
dpinholer_inspector_restarts_total 19
# HELP dpinholer_scanner_messages_total Messages of scanners, which change nothing.
# TYPE dpinholer_scanner_messages_total counter
dpinholer_scanner_messages_total 22
# HELP dpinholer_banned_sources Sources of SIP that are banned.
# TYPE dpinholer_banned_sources gauge
dpinholer_banned_sources 23
# HELP dpinholer_bans_total Bans of sources of SIP.
# TYPE dpinholer_bans_total counter
dpinholer_bans_total 24
# HELP dpinholer_bans_failed_total Bans that could not be written, or for which there was no room.
# TYPE dpinholer_bans_failed_total counter
dpinholer_bans_failed_total 25
# HELP dpinholer_pinholes_repelled_total Pinholes that an inspector asked for against the policy.
# TYPE dpinholer_pinholes_repelled_total counter
dpinholer_pinholes_repelled_total 21
# HELP dpinholer_readings_total What packets turned out to be.
# TYPE dpinholer_readings_total counter
dpinholer_readings_total{kind="malformed"} 1
dpinholer_readings_total{kind="keep-alive"} 2
dpinholer_readings_total{kind="not-sip"} 3
dpinholer_readings_total{kind="unreadable"} 4
# HELP dpinholer_calls Calls that have a pinhole.
# TYPE dpinholer_calls gauge
dpinholer_calls{state="offered"} 6
dpinholer_calls{state="answered"} 7
# HELP dpinholer_mends_total What was put right that others did to the sets, or the kernel refused.
# TYPE dpinholer_mends_total counter
dpinholer_mends_total{kind="rewritten"} 14
dpinholer_mends_total{kind="retried"} 15
dpinholer_mends_total{kind="swept"} 16
# HELP dpinholer_tcp_connections_given_up_total Connections that are not read any more.
# TYPE dpinholer_tcp_connections_given_up_total counter
dpinholer_tcp_connections_given_up_total{reason="foreign"} 20
dpinholer_tcp_connections_given_up_total{reason="encrypted"} 0
dpinholer_tcp_connections_given_up_total{reason="conflict"} 0
dpinholer_tcp_connections_given_up_total{reason="gap"} 0
dpinholer_tcp_connections_given_up_total{reason="over-bound"} 0
dpinholer_tcp_connections_given_up_total{reason="evicted"} 0
# HELP dpinholer_sip_messages_total SIP messages, by method and what they are.
# TYPE dpinholer_sip_messages_total counter
dpinholer_sip_messages_total{method="INVITE",result="request"} 3
dpinholer_sip_messages_total{method="INVITE",result="2xx"} 2
# HELP dpinholer_pinholes_refused_total Pinholes that policy refused.
# TYPE dpinholer_pinholes_refused_total counter
dpinholer_pinholes_refused_total{reason="port-policy"} 1
# HELP dpinholer_sip_unread_total SIP that may have asked for pinholes and was not read.
# TYPE dpinholer_sip_unread_total counter
dpinholer_sip_unread_total{reason="encoding"} 4
# HELP dpinholer_queue_waiting Packets that wait for their verdict.
# TYPE dpinholer_queue_waiting gauge
dpinholer_queue_waiting{queue="0"} 1
dpinholer_queue_waiting{queue="1"} 0
# HELP dpinholer_queue_full_total Packets not read because the queue was full.
# TYPE dpinholer_queue_full_total counter
dpinholer_queue_full_total{queue="0"} 2
dpinholer_queue_full_total{queue="1"} 0
# HELP dpinholer_queue_lost_total Packets lost because the socket had no room.
# TYPE dpinholer_queue_lost_total counter
dpinholer_queue_lost_total{queue="0"} 3
dpinholer_queue_lost_total{queue="1"} 0
# HELP dpinholer_hold_seconds From the read of a packet to its verdict.
# TYPE dpinholer_hold_seconds histogram
dpinholer_hold_seconds_bucket{le="5e-05"} 1
dpinholer_hold_seconds_bucket{le="0.0001"} 3
dpinholer_hold_seconds_bucket{le="0.00025"} 3
dpinholer_hold_seconds_bucket{le="0.0005"} 3
dpinholer_hold_seconds_bucket{le="0.001"} 4
dpinholer_hold_seconds_bucket{le="0.0025"} 4
dpinholer_hold_seconds_bucket{le="0.005"} 4
dpinholer_hold_seconds_bucket{le="0.01"} 4
dpinholer_hold_seconds_bucket{le="0.025"} 4
dpinholer_hold_seconds_bucket{le="0.1"} 4
dpinholer_hold_seconds_bucket{le="0.5"} 4
dpinholer_hold_seconds_bucket{le="+Inf"} 5
dpinholer_hold_seconds_sum 10.000852
dpinholer_hold_seconds_count 5
)");
}

TEST(Metrics, OpenMetricsNamesCountersWithoutTotalAndHasAnEnd) {
  const std::string text = metrics_text(a_status(), MetricsFormat::open_metrics);
  EXPECT_NE(text.find("# TYPE dpinholer_packets counter\ndpinholer_packets_total 12\n"), std::string::npos);
  EXPECT_EQ(text.find("_total counter"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
  EXPECT_EQ(metrics_format("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
            MetricsFormat::open_metrics);
  EXPECT_EQ(metrics_format("text/plain"), MetricsFormat::prometheus);
}

TEST(Metrics, WithoutADaemonSayThatItIsDown) {
  EXPECT_EQ(metrics_text("", MetricsFormat::prometheus),
            "# HELP dpinholer_up Whether the daemon answers.\n# TYPE dpinholer_up gauge\ndpinholer_up 0\n");
}

TEST(Metrics, EveryLineIsOfTheGrammarWhateverTheStatusHolds) {
  const std::regex comment(R"(# (HELP|TYPE) dpinholer_[a-z_]+ .+)");
  const std::regex sample(
      R"(dpinholer_[a-z_]+(\{[a-z]+="([^"\\\n]|\\.)*"(,[a-z]+="([^"\\\n]|\\.)*")*\})? \S+)");
  for (const std::string& status :
       {a_status(), std::string("{}"), std::string("[]"), std::string("nonsense"),
        std::string(R"({"version":"\"\\\n","messages":[{"method":"a\"\n","count":1},7],"queues":{}})")}) {
    std::istringstream lines(metrics_text(status, MetricsFormat::prometheus));
    std::set<std::string> families;
    for (std::string line; std::getline(lines, line);) {
      EXPECT_TRUE(std::regex_match(line, comment) || std::regex_match(line, sample)) << line;
      if (line.starts_with("# TYPE")) {
        EXPECT_TRUE(families.insert(line).second) << line;
      }
    }
  }
}

TEST(Metrics, TheDashboardAsksForWhatThereIs) {
  const std::string dashboard = test::source_file("docs/grafana-dashboard.json");
  const std::string text = metrics_text(a_status(), MetricsFormat::prometheus);
  const std::regex metric("dpinholer_[a-z_]+");
  std::set<std::string> asked;
  for (std::sregex_iterator i(dashboard.begin(), dashboard.end(), metric), end; i != end; ++i)
    asked.insert(i->str());
  EXPECT_GT(asked.size(), 10U);
  for (const std::string& name : asked) {
    EXPECT_TRUE(text.find("\n" + name + " ") != std::string::npos ||
                text.find("\n" + name + "{") != std::string::npos)
        << name;
  }
}

TEST(Histogram, CountsWhatIsNoGreaterThanEachBound) {
  Histogram histogram;
  histogram.add(us{0});
  histogram.add(us{50});
  histogram.add(us{51}, 3);
  histogram.add(us{3'600'000'000});
  const HistogramRow row = histogram.row();
  EXPECT_EQ(row.bounds.front(), 0.00005);
  EXPECT_EQ(row.counts.front(), 2U);
  EXPECT_EQ(row.counts[1], 5U);
  EXPECT_EQ(row.counts.back(), 5U);
  EXPECT_EQ(row.count, 6U);
  EXPECT_NEAR(row.sum, 3600.000203, 1e-9);
}

}  // namespace
}  // namespace dpinholer::control
