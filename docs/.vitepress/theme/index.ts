import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme';
import BarChart from './BarChart.vue';
import ConfigBuilder from './ConfigBuilder.vue';
import ErrorReader from './ErrorReader.vue';
import Picture from './Picture.vue';
import './neighbours.css';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('BarChart', BarChart);
    app.component('ConfigBuilder', ConfigBuilder);
    app.component('ErrorReader', ErrorReader);
    app.component('Picture', Picture);
  },
} satisfies Theme;

declare module 'vue' {
  interface GlobalComponents {
    BarChart: typeof BarChart;
    ConfigBuilder: typeof ConfigBuilder;
    ErrorReader: typeof ErrorReader;
    Picture: typeof Picture;
  }
}
