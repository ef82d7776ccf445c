import { COLLECTIONS_PLUGIN } from './collections';
import { DOCS_PLUGIN } from './docs';
import { ERRORS_PLUGIN } from './errors';
import { EXPLORER_PLUGIN } from './explorer';
import { HISTORY_PLUGIN } from './history';
import { MAIL_PLUGIN } from './mail';
import { MAP_PLUGIN } from './map';
import { OPERATIONS_PLUGIN } from './operations';
import { PERFORMANCE_PLUGIN } from './performance';
import { PLAN_PLUGIN } from './plan';
import { TRACE_PLUGIN } from './trace';

/** The panels, in the order of the sidebar. */
export const PLUGINS = [
  DOCS_PLUGIN,
  EXPLORER_PLUGIN,
  OPERATIONS_PLUGIN,
  COLLECTIONS_PLUGIN,
  HISTORY_PLUGIN,
  PLAN_PLUGIN,
  TRACE_PLUGIN,
  PERFORMANCE_PLUGIN,
  MAP_PLUGIN,
  ERRORS_PLUGIN,
  MAIL_PLUGIN,
];
