//! Forecasts by augurs, of the same settled days.

use augurs::ets::AutoETS;
use augurs::mstl::MSTLModel;
use augurs::{Fit, Forecast, Predict};

use crate::backtest::{Answer, Question, run_rate};
use crate::histories::last_day;

/// Exponential smoothing, the error and the trend by information criterion. augurs has no seasons for it.
pub fn ets(question: &Question) -> Answer {
    answer(question, &AutoETS::non_seasonal(), |spent| spent, |spent| spent)
}

/// Weekdays by multiple seasonal-trend decomposition, what is left by exponential smoothing.
pub fn mstl(question: &Question) -> Answer {
    let model = MSTLModel::new(vec![7], AutoETS::non_seasonal().into_trend_model());
    answer(question, &model, |spent| spent, |spent| spent)
}

/// The same of logarithms, by which weekdays and growth multiply.
pub fn mstl_of_logarithms(question: &Question) -> Answer {
    let model = MSTLModel::new(vec![7], AutoETS::non_seasonal().into_trend_model());
    answer(question, &model, f64::ln_1p, f64::exp_m1)
}

/// augurs gives an interval for each day. That of a sum is somewhere between days that are off independently and days
/// that are all off the same way; it is taken for the latter, the widest. Where augurs cannot fit a model, as with ten
/// days to weekdays, it has the run-rate's answer.
fn answer<M: Fit>(question: &Question, model: &M, to_value: fn(f64) -> f64, to_spent: fn(f64) -> f64) -> Answer {
    let settled = question.days.range(..=question.settled).map(|(_, spent)| spent.to_f64());
    let past: Vec<f64> = settled.skip_while(|spent| *spent <= 0.0).map(to_value).collect();
    let Some(forecast) = predict(model, &past, question) else { return run_rate(question) };
    let total = |days: &[f64]| question.total_with(days.iter().map(|value| to_spent(*value)));
    let interval = forecast.intervals.map(|days| (total(&days.lower), total(&days.upper)));
    Answer { expected: total(&forecast.point), interval }
}

fn predict<M: Fit>(model: &M, past: &[f64], question: &Question) -> Option<Forecast> {
    let ahead = usize::try_from((last_day() - question.settled).num_days()).ok()?;
    model.fit(past).ok()?.predict(ahead, 0.8).ok()
}
