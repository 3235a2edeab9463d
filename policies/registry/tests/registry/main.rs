//! The registry on real files and on a real PostgreSQL: the same tests on both.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what goes wrong in a helper of a test fails it"
)]

mod approval;
mod audit;
mod common;
mod decoy;
mod files;
mod import;
mod life;
mod migrate;
mod query;
mod servers;

/// Each case on a SQLite file, as a test of its own; and all on one PostgreSQL, each in a database
/// of its own.
macro_rules! on_both {
    ($($module:ident: $($case:ident),*;)*) => {
        mod sqlite {
            $($(
                #[tokio::test]
                async fn $case() {
                    crate::$module::$case(crate::common::Home::sqlite()).await;
                }
            )*)*
        }

        #[tokio::test]
        async fn postgres() {
            let server = cedarkey_host_kit::postgres::Postgres::start().unwrap();
            $($(
                println!("{}", stringify!($case));
                $module::$case(common::Home::postgres(&server, stringify!($case))).await;
            )*)*
        }
    };
}

on_both! {
    life:
        a_key_is_issued_once,
        a_key_that_breaks_a_rule_is_not_issued,
        control_characters_are_refused,
        a_request_waits_for_somebody_else,
        a_revocation_is_for_good,
        a_suspended_key_comes_back,
        a_key_is_replaced_with_an_overlap,
        a_workload_is_retired_with_all_its_keys,
        one_key_that_cannot_be_changed_keeps_all_as_they_are,
        a_clock_that_goes_back_gives_nothing_but_takes_away,
        writers_take_turns;
    approval:
        a_wider_key_waits_for_somebody_else,
        a_successor_waits_for_somebody_else,
        a_file_asks_once_and_may_withdraw;
    import:
        rows_are_imported_all_or_none,
        a_hash_and_a_name_are_taken_once;
    decoy:
        a_decoy_lives_as_other_keys_do,
        a_decoy_has_no_reach_and_no_successor,
        a_file_makes_decoys_and_no_key_becomes_one;
    query:
        keys_are_found_by_what_is_known_of_them,
        keys_are_current_for_as_long_as_they_lived;
    audit:
        an_untouched_audit_is_sound,
        every_kind_of_tampering_is_found,
        an_audit_that_was_written_anew_is_found_by_an_anchor,
        the_database_itself_refuses_to_forget;
}
