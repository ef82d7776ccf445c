import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { colorSubgraphs } from './graph/subgraphs';
import { Shell } from './shell/shell';
import { applyStoredTheme } from './shell/theme';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

applyStoredTheme();
colorSubgraphs();
createRoot(root).render(
  <StrictMode>
    <Shell />
  </StrictMode>,
);
