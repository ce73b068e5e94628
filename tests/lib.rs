//! Tests over the whole workspace. They are one program, because linking takes longer than running.
#![cfg(test)]

mod agreement;
mod bill;
mod bucket;
mod callers;
mod chargeback;
mod claims;
mod command_line;
mod commands;
mod deliveries;
mod dependency_direction;
mod digest;
mod doctor;
mod event_order;
mod explain;
mod first_run;
mod forecast;
mod forget;
mod formats;
mod gzip;
mod hostile_bill;
mod in_a_bucket;
mod matrix;
mod metrics;
mod page;
mod poison;
mod rebuild;
mod reference_totals;
mod replica;
mod restated;
mod rooms;
mod said;
mod sweep;
mod trying_alerts;
