import { answer } from './module.mjs';
onmessage = ({ data }) => {
  data[0] = answer;
  postMessage(crossOriginIsolated);
};
