//! What a broker's error code means for a batch.

/// Not an error.
pub(crate) const NONE: i16 = 0;

/// What to do with a batch after its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the topic, now or since an earlier attempt.
    Stored,
    /// It is not, and somebody else may be its leader now: ask, then send it again.
    Refused,
    /// It may be or not: send it again under the same numbers.
    Unknown,
    /// It is not, and the producer is of no use any more: send it as the first batch of a new one.
    Renew,
    /// It is not, and never will be in one piece.
    TooLarge,
    /// Somebody has to look at it.
    Stop,
}

/// What `code` means; `is_open` says that the batch was sent before and nobody knows what became of that.
pub fn judge(code: i16, is_open: bool) -> Verdict {
    match code {
        // 46: the batch was stored before.
        NONE | 46 => Verdict::Stored,
        // The request ran out of time, or too few replicas answered after it was appended, or nothing is known.
        -1 | 7 | 13 | 20 => Verdict::Unknown,
        // A gap: had the batch been stored before, the leader would know it as the producer's last one. Records before
        // it are lost, which only an unclean change of the leader does.
        45 => Verdict::Renew,
        // The leader does not know the producer: it forgot it, for having been silent for days. A batch that was never
        // sent cannot have been stored; of one that was, nobody can tell any more.
        47 | 49 | 59 | 90 if !is_open => Verdict::Renew,
        47 | 49 | 59 | 90 => Verdict::Stop,
        10 | 18 if !is_open => Verdict::TooLarge,
        // Settings, rights, and what would be refused each time.
        10 | 17 | 18 | 21 | 29..=31 | 33..=35 | 42..=44 | 54 | 58 | 62..=65 | 76 | 87 => Verdict::Stop,
        _ => Verdict::Refused,
    }
}

/// The name of a code in Kafka's own words.
pub fn code_name(code: i16) -> &'static str {
    match code {
        0 => "none",
        -1 => "unknown_server_error",
        2 => "corrupt_message",
        3 => "unknown_topic_or_partition",
        5 => "leader_not_available",
        6 => "not_leader_or_follower",
        7 => "request_timed_out",
        8 => "broker_not_available",
        9 => "replica_not_available",
        10 => "message_too_large",
        13 => "network_exception",
        14 => "coordinator_load_in_progress",
        15 => "coordinator_not_available",
        16 => "not_coordinator",
        17 => "invalid_topic_exception",
        18 => "record_list_too_large",
        19 => "not_enough_replicas",
        20 => "not_enough_replicas_after_append",
        21 => "invalid_required_acks",
        29 => "topic_authorization_failed",
        31 => "cluster_authorization_failed",
        33 => "unsupported_sasl_mechanism",
        34 => "illegal_sasl_state",
        35 => "unsupported_version",
        42 => "invalid_request",
        43 => "unsupported_for_message_format",
        44 => "policy_violation",
        45 => "out_of_order_sequence_number",
        46 => "duplicate_sequence_number",
        47 => "invalid_producer_epoch",
        49 => "invalid_producer_id_mapping",
        51 => "concurrent_transactions",
        53 => "transactional_id_authorization_failed",
        54 => "security_disabled",
        56 => "kafka_storage_error",
        58 => "sasl_authentication_failed",
        59 => "unknown_producer_id",
        74 => "fenced_leader_epoch",
        76 => "unsupported_compression_type",
        87 => "invalid_record",
        89 => "throttling_quota_exceeded",
        90 => "producer_fenced",
        _ => "other_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        fn check(code: i16, fresh: Verdict, open: Verdict) {
            assert_eq!((judge(code, false), judge(code, true)), (fresh, open), "{}", code_name(code));
        }
        use Verdict::{Refused, Renew, Stop, Stored, TooLarge, Unknown};
        check(0, Stored, Stored);
        check(46, Stored, Stored);
        for code in [3, 5, 6, 8, 9, 14, 19, 56, 74, 89, 9_999] {
            check(code, Refused, Refused);
        }
        for code in [-1, 7, 13, 20] {
            check(code, Unknown, Unknown);
        }
        check(45, Renew, Renew);
        check(59, Renew, Stop);
        check(47, Renew, Stop);
        check(10, TooLarge, Stop);
        for code in [17, 29, 31, 35, 58, 87] {
            check(code, Stop, Stop);
        }
    }
}
