//! `serve`

use std::sync::Arc;

use super::{Context, Failure};
use crate::config::{LOG_VARIABLE, Loaded, environment};
use crate::kernel::{SystemClock, SystemRng};
use crate::server::{App, stop_on_signals};
use crate::telemetry;

pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let Loaded { path, config, warnings } = context.load()?;
    telemetry::start_logging(&config.log, environment(LOG_VARIABLE).as_deref())?;
    for warning in warnings {
        tracing::warn!("{}", warning.display(&path.display().to_string()));
    }
    let runtime = super::local::runtime()?;
    let app = runtime.block_on(App::open(config, Arc::new(SystemClock), Arc::new(SystemRng)))?;
    drop(runtime);
    Ok(app.run(stop_on_signals(), Vec::new(), || {})?)
}
