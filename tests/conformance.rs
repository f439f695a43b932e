//! One suite for both databases: what custody promises it promises on SQLite and on PostgreSQL, to one node and to several.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set up has failed"
)]

#[path = "conformance/accounts.rs"]
mod accounts;
#[path = "conformance/custody.rs"]
mod custody;
#[path = "conformance/figures.rs"]
mod figures;
#[path = "conformance/fixtures.rs"]
mod fixtures;
#[path = "conformance/nodes.rs"]
mod nodes;
#[path = "conformance/place.rs"]
mod place;
#[path = "conformance/sealed_accounts.rs"]
mod sealed_accounts;
#[path = "conformance/server.rs"]
mod server;
mod servers;

macro_rules! on_both {
    ($($file:ident: $($test:ident),* ;)*) => {
        mod sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$file::$test(super::place::Place::sqlite()).await;
                }
            )*)*
        }
        mod postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$file::$test(super::place::Place::postgres().await).await;
                }
            )*)*
        }
    };
}

on_both! {
    accounts:
        an_account_is_kept_as_it_was_made,
        a_login_is_found_and_taken_once,
        of_two_who_take_a_login_at_once_one_has_it,
        a_change_names_its_version_and_ends_what_is_open,
        of_two_changes_of_an_account_one_wins,
        what_is_removed_leaves_its_entries_alone,
        credentials_are_replaced_whole_and_end_sessions,
        a_code_is_good_once,
        a_session_lasts_while_it_is_used_and_no_longer,
        sessions_end_by_hand_by_number_and_by_time,
        tokens_are_counted_dated_and_revoked,
        views_are_their_owners,
        sign_ins_and_changes_at_once_get_along;
    sealed_accounts:
        tokens_are_bounded_however_many_ask_at_once,
        views_are_bounded_however_many_are_kept_at_once,
        a_database_has_nothing_of_accounts_in_clear,
        a_row_moved_to_another_account_does_not_open;
    custody:
        many_holds_at_once_are_all_kept,
        lists_page_and_filter,
        a_message_that_waits_is_not_held_twice,
        holds_are_found_by_id_reference_and_beginning,
        a_release_queues_the_message_in_the_same_step,
        the_second_decision_is_told_of_the_first,
        a_decision_needs_a_reason_a_name_and_its_own_recipients,
        whoever_reads_a_hold_stands_in_the_ledger,
        a_refusal_tells_the_sender_when_asked,
        a_released_message_passes_again_but_nothing_more_does,
        a_retry_gets_the_answer_its_first_try_earned,
        big_messages_round_trip;
    figures:
        figures_follow_every_act_and_outlive_the_content,
        a_sender_is_the_same_again_and_no_more,
        a_breach_is_kept_sealed_versioned_and_in_the_ledger;
    nodes:
        entries_of_two_nodes_make_one_chain,
        each_delivery_is_leased_by_one_node,
        of_two_decisions_one_wins,
        a_message_handed_to_two_nodes_is_held_once,
        a_first_policy_is_adopted_once,
        one_node_is_told_that_a_forward_needs_a_notice,
        one_node_writes_a_digest,
        one_node_makes_a_claim,
        waiting_holds_say_when_they_end,
        an_answer_is_recalled_by_every_node,
        what_is_on_its_way_does_not_end,
        nodes_ring_each_other_and_keep_their_own;
}
