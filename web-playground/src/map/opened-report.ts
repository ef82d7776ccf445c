import { create } from 'zustand';
import { showError } from '../notice/notice';
import { readReport, type SchemaReport } from './report';

/** A larger file is no report: those of a graph with thousands of types have a few megabytes. */
const MAX_BYTES = 10_000_000;

/** The report that the map shows. It stays in this page: it is neither sent nor stored. */
export const useOpenedReport = create<{ report: SchemaReport | undefined; file: string }>(() => ({
  report: undefined,
  file: '',
}));

/** Shows a report on the map, or says why the file is none; a report that is shown already stays then. */
export async function openReport(file: File): Promise<void> {
  try {
    if (file.size > MAX_BYTES) throw new Error('It is larger than 10 MB.');
    useOpenedReport.setState({ report: readReport(await file.text()), file: file.name });
  } catch (error) {
    showError(`${file.name} was not opened. ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function closeReport(): void {
  useOpenedReport.setState({ report: undefined, file: '' });
}
