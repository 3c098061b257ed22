/** The icon of the extension. */

import { LabIcon } from "@jupyterlab/ui-components";

const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M5.2 8.8 2 5.6l1.3-1.3 1.9 1.9 4-4 1.3 1.3z"/>
    <rect x="12.5" y="4" width="9.5" height="3" rx="1.5"/>
    <rect x="2" y="11" width="12.5" height="3" rx="1.5"/>
    <rect x="2" y="11" width="20" height="3" rx="1.5" fill-opacity=".35"/>
    <rect x="2" y="18" width="5.5" height="3" rx="1.5"/>
    <rect x="2" y="18" width="20" height="3" rx="1.5" fill-opacity=".35"/>
  </g>
</svg>`;

export const tasksIcon = new LabIcon({ name: "jupyter-agent-tasks:tasks", svgstr });
